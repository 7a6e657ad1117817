/** The bench's command lines: a mistyped word must not measure something else. */
import test from 'ava'
import { type ListArguments, readArguments, wantedOf } from '../bench/arguments.ts'
import { readGpuBenchArguments } from '../bench/gpu/arguments.ts'
import { deviceOptions } from '../bench/setting.ts'

const listArguments = (words: readonly string[]) => readArguments(words) as ListArguments

test('without arguments the whole list is measured on two threads of the CPU', (t) => {
  const { command, wanted, setting, json, peer } = listArguments([])
  t.is(command, 'list')
  t.deepEqual(wanted, { ids: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8', 'W9'], sampled: [] })
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
  const { wanted, setting, json } = listArguments(words)
  t.deepEqual(wanted, { ids: ['W6'], sampled: [] })
  t.true(json)
  t.deepEqual(deviceOptions(setting), {
    device: 'gpu',
    threads: 2,
    precision: 'f16',
    adapter: 'llvmpipe',
    form: 'step',
  })
  // what is not given is left to the engine
  t.deepEqual(deviceOptions(listArguments(['--device', 'gpu']).setting), {
    device: 'gpu',
    threads: 2,
    precision: 'f32',
  })
  t.deepEqual(deviceOptions(listArguments([]).setting), { device: 'cpu', threads: 2, precision: 'f32' })
  t.is(listArguments(['--precision', 'bf16']).setting.precision, 'bf16')
})

test('what cannot be measured is refused by name', (t) => {
  for (const [words, message] of [
    [['W10'], /no workload W10/],
    [['--device', 'auto'], /--device must be cpu or gpu, not auto/],
    [['--device', 'gpu', '--precision', 'f8'], /--precision must be f32 or f16, not f8/],
    [['--device', 'gpu', '--form', 'loop'], /--form must be step or resident, not loop/],
    [['--precision', 'f16'], /--precision must be f32 or bf16, not f16/],
    [['--device', 'gpu', '--precision', 'bf16'], /--precision must be f32 or f16, not bf16/],
    [['--adapter', '0'], /--adapter 0 is for a GPU/],
    [['--form', 'step'], /--form step is for a GPU/],
    [['--threads', '1.5'], /--threads must be a whole number from 1, not 1.5/],
    [['--seconds', '0'], /--seconds must be between 0 and 3600, not 0/],
    [['--json', '--peer', 'torch.jsonl'], /--peer is for the table/],
    [['--device', 'gpu', '--presicion', 'f16'], /--presicion/],
    [['--vs', 'pytorch'], /--vs must be torch or tf or .*, not pytorch/],
    [['W5', '--vs', 'tfjs'], /tfjs cannot run W5: choose among W2, W3, W6/],
    [['sample', '--vs', 'rust'], /rust has no sampling/],
    [['--vs', 'torch', '--device', 'gpu'], /--device gpu is not for --vs/],
    [['--vs', 'tfjs', '--python', 'python3'], /--python python3 is for peers in Python, and tfjs is none/],
    [['--vs', 'torch', '--rounds', '0'], /--rounds must be a whole number from 1, not 0/],
    [['--rounds', '2'], /--rounds 2 is for --vs and start and scaling, not for the work list/],
    [['--python', 'python3'], /--python python3 is for --vs/],
    [['W6', 'start'], /W6 cannot stand beside start/],
    [['start', '--vs', 'torch'], /--vs torch compares workloads, not start/],
    [['start', '--rounds', '9'], /--rounds must be a whole number from 10, not 9/],
    [['start', '--seconds', '1'], /--seconds 1 is for .*, not for start/],
    [['memory', '--steps', '1000'], /--steps must be a whole number from 1001, not 1000/],
    [['scaling', '--peer', 'torch.jsonl'], /--peer torch.jsonl is for the work list, not for scaling/],
  ] as const) {
    t.throws(() => readArguments(words), { message }, words.join(' '))
  }
})

test('sampling is asked for by name, beside workloads or alone', (t) => {
  t.deepEqual(wantedOf(['W6', 'sample']), { ids: ['W6'], sampled: ['W2', 'W3'] })
  t.deepEqual(wantedOf(['sample']), { ids: [], sampled: ['W2', 'W3'] })
})

test('a comparison has the workloads that the peer can run', (t) => {
  t.like(readArguments(['--vs', 'torch']), { command: 'versus', versus: 'torch', rounds: 2, python: undefined })
  t.like(readArguments(['--vs', 'tfjs']), { wanted: { ids: ['W2', 'W3', 'W6'], sampled: [] } })
  t.like(readArguments(['--vs', 'brain', 'sample']), { wanted: { ids: [], sampled: ['W2'] } })
  t.like(readArguments(['--vs', 'torch', 'W4', '--rounds', '3', '--python', 'py']), { rounds: 3, python: 'py' })
})

test('the other measurements have words of their own', (t) => {
  t.deepEqual(readArguments(['start']), { command: 'start', rounds: 20, threads: 2, json: false })
  t.like(readArguments(['memory', '--steps', '5000']), { command: 'memory', steps: 5000 })
  t.like(readArguments(['scaling']), { command: 'scaling', rounds: 2, setting: { seconds: 1 } })
})

test('the GPU bench is short when it is only tried', (t) => {
  t.is(readGpuBenchArguments([]).seconds, 4)
  t.is(readGpuBenchArguments(['--quick']).seconds, 0.2)
  t.is(readGpuBenchArguments(['--quick', '--seconds', '1']).seconds, 1)
  t.throws(() => readGpuBenchArguments(['--minutes', '0']), { message: /--minutes must be above 0/ })
  t.throws(() => readGpuBenchArguments(['--device', 'cuda']), { message: /--device must be gpu or cpu, not cuda/ })
})
