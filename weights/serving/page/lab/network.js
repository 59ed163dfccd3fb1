// The network in sight in Train one: all that the page knows of it, and the one that it took the place of.
(() => {
  const { $, put, percentRight, keep, shared } = window.lab.tools;
  const counted = (rounds) => `${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  const hasLearned = ({ latest, taught, fromFiles }) => latest?.epoch || taught || fromFiles;

  // settings: what the next network is made with. parts: what shows it, {curves, units, unseen, reading}.
  function network(room, settings, { curves, units, unseen, reading }) {
    // shape: what the server said of it at first. course: what the curves show of each frame. taught: whether it learned
    // drawings. fromFiles: whether it began as files. over: why it does not train any further. latest: the frame in
    // sight. values, loaded: the settings that it was made with.
    let own = { shape: { run: null }, latest: null };
    let earlier = null; // the one before, as `own`
    const run = () => own.shape.run;

    function show(frame) {
      const { seen, unseen: share, losses, epoch, step } = frame;
      const point = { seen, unseen: share, losses, epoch, step };
      const isNew = JSON.stringify(point) !== JSON.stringify(own.course.at(-1));
      if (isNew) own.course.push(point);
      own.latest = frame;
      curves.show(own.course);
      put(room, ".big b", percentRight(share));
      showProgress();
      units.show(frame.weights);
      unseen.show(frame.tests);
      reading.show(frame);
      if (isNew && epoch) worthSeeing();
    }

    function showProgress() {
      if (own.latest) put(room, ".round", progress(own.latest));
    }

    function progress({ epoch, step }) {
      if (own.over) return own.over;
      if (step) return `First round, after ${step} ${step === 1 ? "step" : "steps"}`;
      if (epoch) return `${counted(epoch)} through the digits`;
      if (own.taught) return "Taught drawings, no round yet";
      return own.fromFiles ? "As it was in its file" : "Not trained yet";
    }

    // why: it does not train any further
    function setOver(why = "") {
      own.over = why;
      for (const press of ["play", "step"]) $(room, `[data-press=${press}]`).disabled = Boolean(why);
    }

    // See inside and Fool it show this network as soon as it is more than random numbers.
    function worthSeeing(is = true) {
      shared.own = { run: is ? run() : null, kernels: is ? own.shape.kernels : 0, version: shared.own.version + 1 };
      keep("own", shared.own);
    }

    // A network takes the place of the one until now, which the server keeps for a while. One that has learned nothing is
    // not worth coming back to. answer: what the server says of a network at first. past: what is known of it besides.
    function take(answer, past = {}) {
      if (run() !== answer.run && own.latest && hasLearned(own)) earlier = own;
      else if (earlier?.shape.run === answer.run) earlier = null;
      const was = earlier && `${counted(earlier.latest.epoch)}, ${percentRight(earlier.latest.unseen)}`;
      const offer = `This is a new network. <button type="button" data-press="earlier">Back to the one before</button> (${was})`;
      put(room, ".earlier", earlier ? offer : "");
      const [first] = answer.frames;
      own = {
        shape: { ...answer, frames: [] },
        course: [],
        taught: false,
        fromFiles: false,
        latest: null,
        values: settings.link(),
        loaded: settings.isLoaded(),
        ...past,
      };
      setOver(past.over);
      for (const place of [".problem", ".told", ".along .problem", ".taken"]) put(room, place, "");
      units.introduce(answer);
      unseen.introduce(answer);
      reading.introduce(answer);
      worthSeeing(false);
      show(first);
      if (!hasLearned(own)) put(room, ".told", "Its weights are still random, so it guesses.");
      if (!reading.chosen()) reading.suggest(first); // the visitor's own choice stays
      room.dataset.ready = "true";
    }

    // One that was in sight before comes back. The server may have gone on with it meanwhile.
    function comeBack({ shape, course, taught, fromFiles, over }, { frames }) {
      const wasSeen = shared.own.run === shape.run;
      take({ ...shape, frames }, { course, taught, fromFiles, over });
      worthSeeing(wasSeen || Boolean(hasLearned(own)));
    }

    function learnDrawings(frame) {
      own.taught = true;
      show(frame);
      worthSeeing();
    }

    function forgetEarlier() {
      earlier = null;
      put(room, ".earlier", "The network before is not kept any longer.");
    }

    // What a reload of the page needs to come back to it, with the settings that are chosen now. Its frame comes anew.
    const toKeep = () => ({ ...own, latest: null, values: settings.link(), loaded: settings.isLoaded() });

    return {
      show, showProgress, setOver, worthSeeing, take, comeBack, learnDrawings, forgetEarlier, toKeep, run,
      latest: () => own.latest, earlier: () => earlier,
    };
  }

  window.lab.network = network;
})();
