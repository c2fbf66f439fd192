// See errors.h.
#include "resp/errors.h"

#include <initializer_list>

namespace millrace::resp {
namespace {

// What Redis shows at most of a name or a list that came from the client.
constexpr size_t kShownBytesMax = 128;

std::string join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

std::string_view shown(std::string_view name) {
  return name.substr(0, kShownBytesMax);
}

}  // namespace

std::string journal_fails(std::string_view why) {
  return join({"-MISCONF Errors writing to the AOF file: ", why});
}

std::string rules_changed(std::string_view reason) {
  return "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command "
         "is no longer allowed for the following reason: " +
         std::string(reason);
}

std::string exec_refused(std::string_view error) {
  if (error.starts_with('-')) error.remove_prefix(1);
  return "-EXECABORT Transaction discarded because of: " + std::string(error);
}

std::string wrong_arity(std::string_view command) {
  return join({"wrong number of arguments for '", command, "' command"});
}

std::string invalid_expire(std::string_view command) {
  return join({"invalid expire time in '", command, "' command"});
}

std::string unknown_subcommand(std::string_view subcommand, std::string_view container) {
  return join({"unknown subcommand '", shown(subcommand), "'. Try ", container, " HELP."});
}

std::string unknown_subcommand_or_arity(std::string_view subcommand, std::string_view container) {
  return join(
      {"unknown subcommand or wrong number of arguments for '", shown(subcommand), "'. Try ", container, " HELP."});
}

std::string unknown_command(std::span<const std::string_view> args) {
  std::string list;
  for (const std::string_view argument : args.subspan(1)) {
    if (list.size() >= kShownBytesMax) break;
    list += join({"'", argument.substr(0, kShownBytesMax - list.size()), "' "});
  }
  return join({"unknown command '", shown(args[0]), "', with args beginning with: ", list});
}

std::string no_group(std::string_view key, std::string_view group) {
  return join({"-NOGROUP No such key '", key, "' or consumer group '", group, "'"});
}

std::string no_group_in_xreadgroup(std::string_view key, std::string_view group) {
  return no_group(key, group) + " in XREADGROUP with GROUP option";
}

std::string no_consumer_group(std::string_view group, std::string_view key) {
  return join({"-NOGROUP No such consumer group '", group, "' for key name '", key, "'"});
}

std::string unrecognized_xclaim_option(std::string_view word) {
  return join({"Unrecognized XCLAIM option '", word, "'"});
}

std::string unrecognized_xnack_option(std::string_view word) {
  return join({"Unrecognized XNACK option '", word, "'"});
}

std::string unsupported_option(std::string_view word) {
  return join({"Unsupported option ", word});
}

std::string only_in_subscriber_mode(std::string_view command) {
  return join({"Can't execute '", command,
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"});
}

std::string no_latency_samples(std::string_view event) {
  return join({"No samples available for event '", event, "'"});
}

std::string hello_option(std::string_view word) {
  return join({"Syntax error in HELLO option '", word, "'"});
}

std::string unknown_client_type(std::string_view type) {
  return join({"Unknown client type '", type, "'"});
}

std::string no_such_user(std::string_view name) {
  return join({"No such user '", name, "'"});
}

std::string command_denied(std::string_view who, std::string_view command) {
  return join({who, " has no permissions to run the '", command, "' command"});
}

std::string argument_denied(std::string_view who, std::string_view argument, std::string_view kind) {
  return join({who, " has no permissions to access the '", argument, "' ", kind});
}

std::string unmatched_parenthesis(std::string_view beginning) {
  return join({"Unmatched parenthesis in acl selector starting at '", beginning, "'."});
}

std::string unknown_category(std::string_view name) {
  return join({"Unknown category '", name, "'"});
}

std::string user_not_found(std::string_view name) {
  return join({"User '", name, "' not found"});
}

std::string command_not_found(std::string_view name) {
  return join({"Command '", name, "' not found"});
}

std::string debug_not_allowed(std::string_view command, std::string_view option) {
  return join({command, " command not allowed. If the ", option,
               " option is set to \"local\", you can run it from a local connection, otherwise you need to set this "
               "option in the configuration file, and then restart the server."});
}

std::string client_attribute_characters(std::string_view attribute) {
  return join({attribute, " cannot contain spaces, newlines or special characters."});
}

std::string unrecognized_attribute(std::string_view attribute) {
  return join({"Unrecognized option '", attribute, "'"});
}

std::string overlapping_prefix(std::string_view prefix, std::string_view kind, std::string_view other) {
  return join({"Prefix '", prefix, "' overlaps with ", kind, " prefix '", other,
               "'. Prefixes for a single client must not overlap."});
}

}  // namespace millrace::resp
