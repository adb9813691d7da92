// The prover, apart from the page: Python in WebAssembly, with the package that `make book` packs.
// In: {hash, what, about, text}. Out: {progress} while it loads, {begun}, then {reply} or {failed}.
import {loadPyodide} from "../prover/pyodide.mjs";

const folder = new URL("../prover/", import.meta.url);
let judge;

async function load(hash) {
    const python = await loadPyodide({
        indexURL: folder.href,
        stdout: (progress) => postMessage({progress}),
    });
    postMessage({progress: "Loading the prover ..."});
    const response = await fetch(new URL(`package.zip?${hash}`, folder));
    const archive = await response.arrayBuffer();
    if (python.pyimport("hashlib").sha256(python.toPy(archive)).hexdigest() !== hash)
        throw Error("the package is not the one that this page was made with: reload the page");
    python.unpackArchive(archive, "zip", {extractDir: "/prover"});
    python.pyimport("sys").path.append("/prover");
    return python.pyimport("judge");
}

onmessage = async ({data: {hash, what, about, text}}) => {
    try {
        judge ??= await load(hash);
        judge[`recall_for_${what}`](...about);
        postMessage({begun: true});
        const said = judge[what](...about, text);
        postMessage({reply: said.toJs({dict_converter: Object.fromEntries})});
    } catch (error) {
        postMessage({failed: error.message.trim().split("\n").at(-1)});
    }
};
