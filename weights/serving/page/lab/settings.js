// How a network of one's own learns: the chips and menus of Train one, and the address that says what they say.
//
// A link names chips by their values, and what a menu says by the menu's name too: #lab=64,wild,optimizer=adam. The
// address always says which chips were chosen, and which menus say something unusual.
(() => {
  const { $, $$, put } = window.lab.tools;
  const KERNELS = "kernels"; // the chip for a convolution
  const SHAPE = ["hidden", "activation", "preset"]; // chips that choose a network's shape

  // form: the element with all of them.
  function settings(form) {
    let loaded = null; // the shape of a network from a file, which need not be one of the chips'

    // The convolution that its chip stands for.
    const usual = () => ({ kernels: Number(form.dataset.kernels), side: Number(form.dataset.kernelSize) });
    const unusual = () => $$(form, "select").filter((menu) => menu.selectedIndex);

    // As the server takes them.
    function question() {
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
    function link() {
      const chips = $$(form, "input:checked").map((chip) => chip.value || (chip.name === "hidden" && "none"));
      const menus = unusual().map((menu) => `${menu.name}=${menu.value}`);
      return [...chips.filter(Boolean), ...menus].join(",");
    }

    const nameAddress = () => window.rooms.name(`#lab=${link()}`);

    // Some programs that pass a link on write its commas as %2C.
    function decoded(named) {
      try {
        return decodeURIComponent(named);
      } catch {
        return named; // torn
      }
    }

    // Everything that is not named gets its default.
    function choose(named) {
      loaded = null;
      form.reset();
      for (const value of decoded(named).split(",")) {
        const [menu, option] = value.split("=").map(CSS.escape);
        const which = value === "none" ? "[name=hidden][value='']" : `[value="${CSS.escape(value)}"]`;
        const chip = value && $(form, `input${which}`);
        if (chip) chip.checked = true;
        const said = option && $(form, `select[name="${menu}"] option[value="${option}"]`);
        if (said) said.selected = true;
      }
      showMore();
      showPreset();
    }

    // What is unusual is in sight.
    function showMore() {
      const isUnusual = unusual().length || $$(form, ".more input:checked").some((chip) => !chip.defaultChecked);
      if (isUnusual) $(form, ".more").open = true;
    }

    // A rate as a number: it depends on the optimizer.
    function showRates() {
      const rates = JSON.parse(form.dataset.rates)[$(form, "[name=optimizer]").value];
      for (const chip of $$(form, "[name=rate]")) put(chip.parentElement, "span", `${chip.value} <small>${rates[chip.value]}</small>`);
    }

    // A preset says all but the digits and the seed.
    function showPreset() {
      showRates();
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
      showMore();
      showPreset();
      nameAddress();
    }

    // Whether a chip chooses a network's shape: a loaded one no longer applies then.
    const isShape = ({ name }) => SHAPE.includes(name);

    // The visitor has chosen another chip or menu.
    function changed(target) {
      if (isShape(target)) {
        loaded = null;
        const widths = $$(form, "[name=hidden]");
        if (!widths.some((chip) => chip.checked)) widths.find((chip) => chip.defaultChecked).checked = true;
      }
      showPreset();
      nameAddress();
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    return { question, link, nameAddress, choose, chooseLoaded, isShape, changed, isLoaded: () => Boolean(loaded) };
  }

  window.lab.settings = settings;
})();
