// Feeds arbitrary bytes to the configuration loader and requires that errors are one line, that what was accepted
// survives CONFIG REWRITE and loading again, and that a second rewrite changes nothing.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "settings/directives.h"
#include "settings/load.h"
#include "settings/rewrite.h"

namespace {

namespace settings = millrace::settings;

// There is one file, "fuzz.conf", which may include itself.
std::optional<std::string> load_text(const std::string& text, settings::Settings& into) {
  const settings::FileAccess files = {.read_file = [&](const std::string& path) -> std::optional<std::string> {
                                        if (path != "fuzz.conf") return std::nullopt;
                                        return text;
                                      },
                                      .glob = [](const std::string&) { return std::vector<std::string>{}; }};
  settings::LoadReport report;
  constexpr std::string_view kArguments[] = {"fuzz.conf"};
  return settings::load(into, kArguments, files, report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  settings::Settings first;
  if (const auto error = load_text(text, first)) {
    CHECK(!error->empty());
    return 0;
  }
  const std::string written = settings::rewrite(first, text);
  settings::Settings again;
  CHECK(!load_text(written, again));
  for (const settings::Directive& directive : settings::directives()) {
    if (settings::is_value(directive)) CHECK(first.text(directive) == again.text(directive));
  }
  CHECK(settings::rewrite(first, written) == written);
  return 0;
}
