// No answer is lost between two of gradio's streams.
//
// Gradio's server ends a stream when it has sent all answers. If a question is accepted before the page has read that
// end, gradio believes that the stream is still open and opens no other, and the answer waits at the server. So while
// answers are due, this script opens a new stream itself, and gradio does not see the end of the old one.
(() => {
  const END = 'data: {"msg": "close_stream"}\n\n';
  const fetched = window.fetch;
  const expected = new Set(); // names of the events whose answers are still to come
  const early = new Set(); // names of those whose answers came before the server's word that it knows them

  window.fetch = async (input, init) => {
    const response = await fetched(input, init);
    if (!response.ok) return response;
    const { pathname } = new URL(input?.url ?? input, document.baseURI);
    if (pathname.endsWith("/queue/join")) await joined(response.clone());
    return pathname.endsWith("/queue/data") && response.body ? goneOn(response, () => fetched(input, init)) : response;
  };

  async function joined(response) {
    const name = (await response.json().catch(() => null))?.event_id;
    if (name && !early.delete(name)) expected.add(name);
  }

  function goneOn(first, next) {
    const encoder = new TextEncoder();
    const start = async (gradio) => {
      const pass = (message) => gradio.enqueue(encoder.encode(message));
      try {
        for (let stream = first, more = true; more; stream = more && (await next())) {
          if (!stream.ok) throw new TypeError("no stream to go on with");
          const ended = await read(stream, pass);
          if (!ended && expected.size) throw new TypeError("the stream broke off");
          more = ended && expected.size > 0;
        }
      } catch (error) {
        if (expected.size) gradio.error(error); // gradio says that the connection is lost, and loads the page anew
        expected.clear();
      }
      try {
        pass(END); // or gradio would believe that the stream is open, and open no other
        gradio.close();
      } catch {} // gradio has given it up
    };
    return new Response(new ReadableStream({ start }), { headers: first.headers });
  }

  // Passes the messages of a stream on, all but the one that ends it. Gives whether there was such a one.
  async function read({ body }, pass) {
    const reader = body.getReader(), decoder = new TextDecoder();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return false;
      const messages = (text + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      text = messages.pop();
      for (const message of messages) {
        const { msg, event_id } = parsed(message);
        if (msg === "close_stream") return true;
        if (msg === "unexpected_error") expected.clear(); // gradio gives up all that it waits for
        if (msg === "process_completed" && !expected.delete(event_id)) early.add(event_id);
        pass(`${message}\n\n`);
      }
    }
  }

  // What a message says; nothing of one that is not gradio's, such as a comment that keeps a connection alive.
  function parsed(message) {
    try {
      return JSON.parse(message.replace(/^data:/, "")) ?? {};
    } catch {
      return {};
    }
  }
})();
