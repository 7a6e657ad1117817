//! Every joined shader, without any GPU: parsed, validated, written in the languages of Vulkan, Metal and DX12, and compared with what the
//! host hands it.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};

use crate::Precision;
use crate::device::MAX_ARGUMENTS;
use crate::kernel::{Access, Kernel, KernelId};
use crate::resident::{Direction, ResidentShape};

/// Each kernel in each precision.
fn for_each(mut test: impl FnMut(&str, &Kernel, &Module, &ModuleInfo)) {
    for_each_of(|_| true, |_, _, name, kernel, module, info| test(name, kernel, module, info));
}

/// Each of some kernels in each precision.
fn for_each_of(wanted: fn(&KernelId) -> bool, mut test: impl FnMut(KernelId, Precision, &str, &Kernel, &Module, &ModuleInfo)) {
    for precision in [Precision::F32, Precision::F16] {
        for id in KernelId::all().into_iter().filter(wanted) {
            let kernel = id.kernel(precision);
            let name = format!("{id:?} in {precision:?}");
            let module = naga::front::wgsl::parse_str(&kernel.source)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&kernel.source)));
            let capabilities =
                Capabilities::IMMEDIATES | if precision == Precision::F16 { Capabilities::SHADER_FLOAT16 } else { Capabilities::empty() };
            let info = Validator::new(ValidationFlags::all(), capabilities)
                .validate(&module)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&kernel.source)));
            test(id, precision, &name, &kernel, &module, &info);
        }
    }
}

/// The shape that a kernel is written for, if it is of the resident form.
fn shape_of(id: &KernelId) -> Option<(ResidentShape, Direction)> {
    match *id {
        KernelId::ResidentForward(shape) => Some((shape, Direction::Forward)),
        KernelId::ResidentBackward(shape) => Some((shape, Direction::Backward)),
        _ => None,
    }
}

/// Threads of a workgroup, and bytes of its memory.
fn taken(module: &Module) -> (u32, u32) {
    let workgroup = module.global_variables.iter().filter(|(_, variable)| variable.space == AddressSpace::WorkGroup);
    let bytes = workgroup.map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx())).sum();
    (module.entry_points[0].workgroup_size.iter().product(), bytes)
}

#[test]
fn every_kernel_is_valid_and_has_its_one_entry_point() {
    for_each(|name, kernel, module, _| {
        let entries: Vec<&str> = module.entry_points.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(entries, [kernel.entry], "{name}");
    });
}

#[test]
fn every_kernel_can_be_written_for_vulkan_metal_and_dx12() {
    for_each(|name, kernel, module, info| {
        let options = spv::Options { lang_version: (1, 3), ..spv::Options::default() };
        let words = spv::write_vec(module, info, &options, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(words[0], 0x0723_0203, "{name}: SPIR-V's first word");
        let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..msl::Options::default() };
        let (text, _) =
            msl::write_string(module, info, &options, &msl::PipelineOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(kernel.entry), "{name}: Metal's text has the entry point");
        let immediates_target = Some(hlsl::BindTarget { space: 0, register: 0, ..hlsl::BindTarget::default() });
        let options = hlsl::Options {
            shader_model: hlsl::ShaderModel::V6_2,
            fake_missing_bindings: true,
            immediates_target,
            ..hlsl::Options::default()
        };
        let mut text = String::new();
        hlsl::Writer::new(&mut text, &options, &hlsl::PipelineOptions::default())
            .write(module, info, None)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(kernel.entry), "{name}: DX12's text has the entry point");
    });
}

#[test]
fn bindings_are_those_the_host_binds() {
    for_each(|name, kernel, module, _| {
        let mut bindings: Vec<(u32, Access)> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| match variable.space {
                AddressSpace::Storage { access } => {
                    let binding = variable.binding.expect("storage is bound");
                    assert_eq!(binding.group, 0, "{name}");
                    let access = if access.contains(StorageAccess::STORE) { Access::ReadWrite } else { Access::Read };
                    Some((binding.binding, access))
                }
                _ => None,
            })
            .collect();
        bindings.sort_by_key(|binding| binding.0);
        let want: Vec<(u32, Access)> = (0..).zip(kernel.bindings.iter().copied()).collect();
        assert_eq!(bindings, want, "{name}");
        assert!(bindings.len() <= 8, "{name}: WebGPU's least limit");
    });
}

#[test]
fn kernels_of_any_size_need_no_more_than_every_device_has() {
    for_each_of(
        |id| shape_of(id).is_none(),
        |_, _, name, _, module, _| {
            let (threads, bytes) = taken(module);
            assert!(bytes <= 16_384, "{name}: {bytes} bytes of workgroup memory");
            assert!(threads <= 256, "{name}: {threads} threads");
        },
    );
}

#[test]
fn kernels_cut_for_a_device_need_what_their_shape_says() {
    for_each_of(
        |id| shape_of(id).is_some(),
        |id, precision, name, _, module, _| {
            let Some((shape, direction)) = shape_of(&id) else { return };
            let (threads, bytes) = taken(module);
            assert_eq!(threads as usize, shape.threads(), "{name}");
            let told = shape.memory_bytes(direction, precision);
            assert!(bytes as usize <= told && told < bytes as usize + 32, "{name}: {bytes} bytes of workgroup memory, not {told}");
        },
    );
}

/// Name, WGSL type and offset of a struct's fields, those of a nested one in its place.
fn fields(module: &Module, inner: &TypeInner, base: u32) -> Vec<(String, &'static str, u32)> {
    let TypeInner::Struct { members, .. } = inner else { panic!("not a struct") };
    let mut all = Vec::new();
    for member in members {
        let offset = base + member.offset;
        match &module.types[member.ty].inner {
            TypeInner::Scalar(scalar) => {
                let kind = match scalar.kind {
                    ScalarKind::Uint => "u32",
                    ScalarKind::Float => "f32",
                    other => panic!("a field of kind {other:?}"),
                };
                all.push((member.name.clone().expect("fields have names"), kind, offset));
            }
            nested => all.extend(fields(module, nested, offset)),
        }
    }
    all
}

fn laid_out(fields: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<(String, &'static str, u32)> {
    (0..).zip(fields).map(|(index, (name, kind))| (name.to_owned(), kind, 4 * index)).collect()
}

#[test]
fn arguments_lie_where_the_host_puts_them() {
    for_each(|name, kernel, module, _| {
        let immediates = module.global_variables.iter().find(|(_, variable)| variable.space == AddressSpace::Immediate);
        let (_, variable) = immediates.unwrap_or_else(|| panic!("{name} takes no arguments"));
        let got = fields(module, &module.types[variable.ty].inner, 0);
        let want = laid_out(kernel.arguments.iter().flat_map(|fields| fields.iter().copied()));
        assert_eq!(got, want, "{name}");
        assert!(4 * want.len() <= MAX_ARGUMENTS as usize, "{name}");
    });
}

#[test]
fn tables_have_the_entries_that_the_host_writes() {
    for_each(|name, kernel, module, _| {
        for (table, want) in kernel.tables {
            let (_, entry) = module
                .types
                .iter()
                .find(|(_, entry)| entry.name.as_deref() == Some(table))
                .unwrap_or_else(|| panic!("{name} has no struct {table}"));
            let got = fields(module, &entry.inner, 0);
            assert_eq!(got, laid_out(want.iter().copied()), "{name}: {table}");
            let TypeInner::Struct { span, .. } = entry.inner else { panic!("{table} is a struct") };
            assert_eq!(span as usize, 4 * want.len(), "{name}: the size of {table}");
        }
    });
}
