// Takes what was said once out of the page's address: whoever loads the page again is not told
// again.
(() => {
  const address = new URL(location.href);
  if (!address.searchParams.has("said")) return;
  address.searchParams.delete("said");
  history.replaceState(history.state, "", address);
})();
