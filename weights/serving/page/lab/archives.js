// Files that are saved on the visitor's disk, and files that come from there.
(() => {
  const { base64, bytes, answered } = window.lab.tools;
  const LONGEST_NAME = 200; // characters of a file's name that the server may repeat in a sentence

  // zip: its bytes as base64.
  const save = (zip, name) => window.share.download(new Blob([bytes(zip)], { type: "application/zip" }), name);

  async function sent(file) {
    const content = base64(new Uint8Array(await file.arrayBuffer()));
    return { name: file.name.slice(0, LONGEST_NAME), content };
  }

  // Files as the server takes them; null, and a sentence in this section, when they are too many or too large.
  async function fit(files, section) {
    const { mostFiles, mostBytes } = section.closest("[data-most-files]").dataset;
    const refuse = (error) => answered(section, Promise.resolve({ error }));
    if (!files.length) return null;
    if (files.length > mostFiles) return refuse(`Choose at most ${mostFiles} files.`);
    if (files.reduce((sum, file) => sum + file.size, 0) > mostBytes)
      return refuse(`All files together may have ${mostBytes / 1e6} MB.`);
    return Promise.all(files.map(sent));
  }

  // The files that were chosen with an input, which then lets the same ones be chosen again.
  function takenFrom(input) {
    const files = [...input.files];
    input.value = "";
    return files;
  }

  window.lab.archives = { save, fit, takenFrom };
})();
