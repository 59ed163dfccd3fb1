// How a network of one's own learns: the chips and menus of Train one, and the address that says what they say.
//
// A link names chips by their values, and what a menu says by the menu's name too: #lab=64,wild,optimizer=adam. The
// address always says which chips were chosen, and which menus say something unusual.
(() => {
  const { $, $$, put } = window.lab.tools;
  const KERNELS = "kernels"; // the chip for a convolution
  const SHAPE = ["hidden", "activation", "preset"]; // names of the chips that say what is in the network

  // form: the element with all of them.
  function settings(form) {
    let loaded = null; // the shape of a network from a file, which need not be one of the chips'

    // The convolution that its chip stands for.
    const usual = () => ({ kernels: Number(form.dataset.kernels), side: Number(form.dataset.kernelSize) });
    const unusual = () => $$(form, "select").filter((menu) => menu.selectedIndex);

    // As the server takes them.
    function chosen() {
      // Not as FormData, which leaves out what a preset disables.
      const value = (name) => $(form, `input[name=${name}]:checked, select[name=${name}]`)?.value ?? "";
      const convolves = value("hidden") === KERNELS;
      return {
        kernels: convolves ? usual().kernels : 0,
        hidden: convolves ? [] : value("hidden").split("-").filter(Boolean).map(Number),
        activation: value("activation"),
        ...loaded,
        rate: value("rate"),
        digits: Number(value("digits")),
        optimizer: value("optimizer"),
        batch_size: Number(value("batch_size")),
        dropout: Number(value("dropout")),
        decay: Number(value("decay")),
        seed: Number(value("seed")),
        preset: value("preset") || null,
      };
    }

    // As a link names them.
    function values() {
      const chips = $$(form, "input:checked").map((chip) => chip.value || (chip.name === "hidden" && "none"));
      const menus = unusual().map((menu) => `${menu.name}=${menu.value}`);
      return [...chips.filter(Boolean), ...menus].join(",");
    }

    const nameAddress = () => window.rooms.name(`#lab=${values()}`);

    // What is not named is as at first.
    function choose(named) {
      loaded = null;
      form.reset();
      for (const value of named.split(",")) {
        const [menu, option] = value.split("=").map(CSS.escape);
        const which = value === "none" ? "[name=hidden][value='']" : `[value="${CSS.escape(value)}"]`;
        const chip = value && $(form, `input${which}`);
        if (chip) chip.checked = true;
        const said = option && $(form, `select[name="${menu}"] option[value="${option}"]`);
        if (said) said.selected = true;
      }
      if (unusual().length) $(form, ".more").open = true;
      showPreset();
    }

    // A preset says all but the digits and the seed.
    function showPreset() {
      const preset = $(form, "[name=preset]:checked");
      put(form, ".about", preset.dataset.about ?? "");
      for (const part of $$(form, "[data-own-settings]")) part.disabled = Boolean(preset.value);
    }

    // The settings in sight become those of a network from a file.
    function chooseLoaded({ widths, kernels, side, activation }) {
      loaded = { hidden: widths.slice(kernels ? 2 : 1, -1), activation, kernels, ...(kernels && { kernel_size: side }) };
      const isUsual = kernels === usual().kernels && side === usual().side && widths.length === 3;
      const hidden = kernels ? isUsual && KERNELS : loaded.hidden.join("-");
      for (const [name, value] of [["hidden", hidden], ["activation", activation], ["preset", ""]])
        for (const chip of $$(form, `[name=${name}]`)) chip.checked = chip.value === value;
      showPreset();
      nameAddress();
    }

    // What follows from a change. Gives whether it was one of the network's shape, which that of a file ends with.
    function changed({ name }) {
      const isShape = SHAPE.includes(name);
      if (isShape) {
        loaded = null;
        if (!$(form, "[name=hidden]:checked")) $(form, "[name=hidden][value='16']").checked = true; // no chip said it
      }
      showPreset();
      nameAddress();
      return isShape;
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    return { chosen, values, nameAddress, choose, chooseLoaded, changed, isLoaded: () => Boolean(loaded) };
  }

  window.lab.settings = settings;
})();
