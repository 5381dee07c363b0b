// Keeps what is typed in a form marked `data-draft`, while another form of its page is sent: in
// this tab only, until the page is shown again. It goes to no server, and the mark names whose it
// is.
(() => {
  const typed = "textarea, input[type=text], input[type=url], input[type=radio]";
  const key = (form) => `draft:${form.dataset.draft}`;
  const marked = () => document.querySelectorAll("form[data-draft]");
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/sign-out") {
      sessionStorage.clear();
      return;
    }
    for (const form of marked()) {
      if (form === event.target) continue;
      const written = [...form.querySelectorAll("textarea")].some((field) => field.value.trim());
      if (!written) continue;
      const fields = [...form.querySelectorAll(typed)];
      const kept = fields.map((it) => [
        it.name,
        it.type === "radio" ? it.checked && it.value : it.value,
      ]);
      sessionStorage.setItem(key(form), JSON.stringify(kept.filter(([, value]) => value)));
    }
  });
  for (const form of marked()) {
    const kept = JSON.parse(sessionStorage.getItem(key(form)) ?? "[]");
    sessionStorage.removeItem(key(form));
    for (const [name, value] of kept) {
      for (const field of form.querySelectorAll(typed)) {
        if (field.name !== name) continue;
        if (field.type === "radio") field.checked = field.value === value;
        else if (!field.value) field.value = value;
        field.closest("details")?.setAttribute("open", "");
      }
    }
  }
})();
