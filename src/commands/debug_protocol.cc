// See debug_protocol.h.
#include "commands/debug_protocol.h"

#include <string>

#include "base/letters.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

struct Sample {
  std::string_view type;
  std::string_view resp3;
  std::string_view resp2;
};

constexpr std::string_view kOnlyResp3 = "-ERR RESP2 is not supported by this command\r\n";

constexpr Sample kSamples[] = {
    {"string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
    {"integer", ":12345\r\n", ":12345\r\n"},
    {"double", ",3.141\r\n", "$5\r\n3.141\r\n"},
    {"bignum", "(1234567999999999999999999999999999999\r\n", "$37\r\n1234567999999999999999999999999999999\r\n"},
    {"null", "_\r\n", "$-1\r\n"},
    {"array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
    {"set", "~3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
    {"map", "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n"},
    {"attrib",
     "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
     "$39\r\nSome real reply following the attribute\r\n",
     "$39\r\nSome real reply following the attribute\r\n"},
    {"push", ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n", kOnlyResp3},
    {"verbatim", "=29\r\ntxt:This is a verbatim\nstring\r\n", "$25\r\nThis is a verbatim\nstring\r\n"},
    {"true", "#t\r\n", ":1\r\n"},
    {"false", "#f\r\n", ":0\r\n"},
};

}  // namespace

void debug_protocol(CommandContext& context) {
  std::string names;
  for (const Sample& sample : kSamples) {
    if (same_word(sample.type, context.args[2])) {
      context.reply.buffer().append(context.reply.is_resp3() ? sample.resp3 : sample.resp2);
      return;
    }
    names.append(names.empty() ? "" : "|").append(sample.type);
  }
  context.reply.error("Wrong protocol type name. Please use one of the following: " + names);
}

}  // namespace millrace::commands
