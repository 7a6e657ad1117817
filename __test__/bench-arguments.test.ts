/** The bench's command lines: a mistyped word must not measure something else. */
import test from 'ava'
import { readArguments, workloadIds } from '../bench/arguments.ts'
import { readGpuBenchArguments } from '../bench/gpu/arguments.ts'
import { deviceOptions } from '../bench/setting.ts'

test('without arguments the whole list is measured on two threads of the CPU', (t) => {
  const { ids, setting, json, peer } = readArguments([])
  t.deepEqual(ids, workloadIds([]))
  t.deepEqual(setting, {
    device: 'cpu',
    threads: 2,
    seconds: 5,
    precision: 'f32',
    adapter: null,
    form: null,
    quick: false,
  })
  t.false(json)
  t.is(peer, undefined)
})

test('a GPU is told precision, adapter and form', (t) => {
  const words = ['W6', '--device', 'gpu', '--precision', 'f16', '--adapter', 'llvmpipe', '--form', 'step', '--json']
  const { ids, setting, json } = readArguments(words)
  t.deepEqual(ids, ['W6'])
  t.true(json)
  t.deepEqual(deviceOptions(setting), {
    device: 'gpu',
    threads: 2,
    precision: 'f16',
    adapter: 'llvmpipe',
    form: 'step',
  })
  // what is not given is left to the engine
  t.deepEqual(deviceOptions(readArguments(['--device', 'gpu']).setting), {
    device: 'gpu',
    threads: 2,
    precision: 'f32',
  })
  t.deepEqual(deviceOptions(readArguments([]).setting), { device: 'cpu', threads: 2 })
})

test('what cannot be measured is refused by name', (t) => {
  for (const [words, message] of [
    [['W10'], /no workload W10/],
    [['W4'], /W4 has real-valued input/],
    [['--device', 'auto'], /--device must be cpu or gpu, not auto/],
    [['--device', 'gpu', '--precision', 'f8'], /--precision must be f32 or f16, not f8/],
    [['--device', 'gpu', '--form', 'loop'], /--form must be step or resident, not loop/],
    [['--precision', 'f16'], /--precision f16 is for a GPU/],
    [['--adapter', '0'], /--adapter 0 is for a GPU/],
    [['--form', 'step'], /--form step is for a GPU/],
    [['--threads', '1.5'], /--threads must be a whole number from 1, not 1.5/],
    [['--seconds', '0'], /--seconds must be between 0 and 3600, not 0/],
    [['--json', '--peer', 'torch.jsonl'], /--peer is for the table/],
    [['--device', 'gpu', '--presicion', 'f16'], /--presicion/],
  ] as const) {
    t.throws(() => readArguments(words), { message }, words.join(' '))
  }
})

test('the GPU bench is short when it is only tried', (t) => {
  t.is(readGpuBenchArguments([]).seconds, 4)
  t.is(readGpuBenchArguments(['--quick']).seconds, 0.2)
  t.is(readGpuBenchArguments(['--quick', '--seconds', '1']).seconds, 1)
  t.throws(() => readGpuBenchArguments(['--minutes', '0']), { message: /--minutes must be above 0/ })
  t.throws(() => readGpuBenchArguments(['--device', 'cuda']), { message: /--device must be gpu or cpu, not cuda/ })
})
