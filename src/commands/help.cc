// See help.h.
#include "commands/help.h"

#include "base/check.h"
#include "base/letters.h"

namespace millrace::commands {
namespace {

std::string usage_of(const std::vector<Argument>& arguments, std::string_view separator);

// What stands behind the token, if there is one.
std::string value_of(const Argument& argument) {
  switch (argument.type) {
    case ArgumentType::kPureToken:
      return "";
    case ArgumentType::kBlock:
      return usage_of(argument.arguments, " ");
    case ArgumentType::kOneOf:
      return "(" + usage_of(argument.arguments, "|") + ")";
    default:
      return "<" + std::string(argument.name) + ">";
  }
}

std::string usage_of(const Argument& argument) {
  const std::string token(argument.token);
  const std::string value = value_of(argument);
  std::string text = token.empty() || value.empty() ? token + value : token + " " + value;
  if (argument.multiple) text += " [" + (argument.multiple_token || token.empty() ? text : value) + " ...]";
  return argument.optional ? "[" + text + "]" : text;
}

std::string usage_of(const std::vector<Argument>& arguments, std::string_view separator) {
  std::string text;
  for (const Argument& argument : arguments) {
    if (!text.empty()) text += separator;
    text += usage_of(argument);
  }
  return text;
}

void write_help_of(const CommandSpec& spec, resp::ReplyWriter& reply) {
  std::string line = upper_case(spec.name);
  if (!spec.arguments.empty()) line += " " + usage_of(spec);
  reply.simple(line);
  reply.simple("    " + std::string(spec.summary));
}

}  // namespace

std::string usage_of(const CommandSpec& spec) {
  return usage_of(spec.arguments, " ");
}

void write_help(CommandContext& context) {
  CHECK(context.spec.parent != nullptr);
  const CommandSpec& container = *context.spec.parent;
  context.reply.array(static_cast<int64_t>(1 + 2 * container.subcommands.size()));
  context.reply.simple(upper_case(container.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const CommandSpec& subcommand : container.subcommands) {
    if (&subcommand != &context.spec) write_help_of(subcommand, context.reply);
  }
  write_help_of(context.spec, context.reply);
}

}  // namespace millrace::commands
