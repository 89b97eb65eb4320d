// One function for each runtime: loads it, runs the benchmarks' source, and gives
//   repeat(name, times) -> text, big() -> text, imports(module) -> boolean
// All run on the page's main thread, whose processor time is measured from outside.
const rt = '/runtimes/';

function script(path) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = path;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${path} can't be loaded`));
    document.head.append(element);
  });
}

const tryImport = (name) => `
try:
    import ${name}
    _imported = "yes"
except BaseException as _exc:
    _imported = "no"
`;

export const adapters = {
  async pyodide(source) {
    const base = `${rt}node_modules/pyodide/`;
    const { loadPyodide } = await import(`${base}pyodide.mjs`);
    const python = await loadPyodide({ indexURL: base });
    python.runPython(source);
    return {
      repeat: python.globals.get('repeat'),
      big: python.globals.get('big'),
      imports: (name) => (python.runPython(tryImport(name)), python.globals.get('_imported') === 'yes'),
    };
  },

  async micropython(source) {
    const base = `${rt}node_modules/@micropython/micropython-webassembly-pyscript/`;
    const { loadMicroPython } = await import(`${base}micropython.mjs`);
    const python = await loadMicroPython({ url: `${base}micropython.wasm`, heapsize: 64 * 1024 * 1024 });
    python.runPython(source);
    return {
      repeat: (name, times) => python.globals.get('repeat')(name, times),
      big: () => python.globals.get('big')(),
      imports: (name) => (python.runPython(tryImport(name)), python.globals.get('_imported') === 'yes'),
    };
  },

  async brython(source) {
    const base = `${rt}python/lib/python3.11/site-packages/brython/data/`;
    await script(`${base}brython.js`);
    await script(`${base}brython_stdlib.js`);
    const python = globalThis.__BRYTHON__;
    const end = '\nfrom browser import window\nwindow.told = {}\nwindow.py_repeat = repeat\nwindow.py_big = big\n';
    python.runPythonSource(source + end, 'bench');
    return {
      repeat: (name, times) => globalThis.py_repeat(name, times),
      big: () => globalThis.py_big(),
      imports: (name) => {
        const text = `${tryImport(name)}\nfrom browser import window\nwindow.py_imported = _imported\n`;
        globalThis.py_imported = 'no';
        python.runPythonSource(text, `try_${name.replaceAll('.', '_')}`);
        return globalThis.py_imported === 'yes';
      },
    };
  },

  async skulpt(source) {
    const base = `${rt}node_modules/skulpt/dist/`;
    await script(`${base}skulpt.min.js`);
    await script(`${base}skulpt-stdlib.js`);
    const python = globalThis.Sk;
    const read = (path) => {
      const found = python.builtinFiles?.files[path];
      if (found === undefined) throw new Error(`there is no ${path}`);
      return found;
    };
    python.configure({ read, output: () => {}, __future__: python.python3, execLimit: null });
    const module = python.importMainWithBody('bench', false, source, false);
    const call = (name, ...args) =>
      python.ffi.remapToJs(python.misceval.callsimArray(module.$d[name], args.map(python.ffi.remapToPy)));
    return {
      repeat: (name, times) => call('repeat', name, times),
      big: () => call('big'),
      imports: (name) => {
        try {
          python.importModule(name, false, false);
          return true;
        } catch {
          return false;
        }
      },
    };
  },

  async transcrypt() {
    // Compiled beforehand; a module that can't be imported there is an error of its compiler.
    const module = await import('/compiled/bench.js');
    return { repeat: module.repeat, big: module.big, imports: () => false };
  },

  async rustpython(source) {
    const base = `${rt}rustpython/`;
    const rust = await import(`${base}rustpython_wasm.js`);
    await rust.default();
    const python = rust.vmStore.init('bench', true);
    try {
      python.exec(source);
    } catch {
      python.exec(source.replace('import random\n', '')); // it has no module os; randlist alone needs random
    }
    return {
      repeat: (name, times) => python.eval(`repeat(${JSON.stringify(name)}, ${times})`),
      big: () => python.eval('big()'),
      imports: (name) => {
        try {
          python.exec(tryImport(name));
          return python.eval('_imported') === 'yes';
        } catch {
          return false;
        }
      },
    };
  },

  async componentize() {
    const module = await import('/compiled/component/app.js');
    const { repeat, big, imports } = module;
    return { repeat, big, imports };
  },
};
