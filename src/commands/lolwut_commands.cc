// LOLWUT: a small picture and the version. "LOLWUT VERSION n ..." takes its numbers and draws the same.
#include <string>

#include "base/letters.h"
#include "base/numbers.h"
#include "base/version.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "resp/errors.h"
#include "settings/directives.h"

namespace millrace::commands {
namespace {

constexpr int kWidth = 48;
constexpr int kRows = 5;

// Water running down a mill race: no two alike.
std::string draw_water(Random& random) {
  constexpr std::string_view kWaves = "~~~~--==  ..";
  std::string picture;
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kWidth; ++column) picture.push_back(kWaves[random.below(kWaves.size())]);
    picture.push_back('\n');
  }
  return picture;
}

}  // namespace

void lolwut_command(CommandContext& context) {
  if (context.args.size() > 2 && same_word(context.args[1], "version") && !parse_i64(context.args[2])) {
    return context.reply.error(resp::kNotInteger);
  }
  std::string text = draw_water(context.random);
  // redis-cli and tests look for this line.
  text.append("Redis ver. ").append(context.server.settings.compat_version_text());
  text.append(" (Millrace ").append(kMillraceVersion).append(")\n");
  context.reply.verbatim("txt", text);
}

}  // namespace millrace::commands
