// The table of directives: one row for everything that may stand in redis.conf. All else derives from it - parsing the
// file and the command line, CONFIG GET, SET and REWRITE - and tests hold redis.conf itself against it.
//
// Rows are constant; rows that work stand in directives.cc, all others in other_directives.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace millrace::settings {

enum class Kind : uint8_t {
  kBool,             // yes | no
  kInteger,          // decimal, min..max
  kOctal,            // file mode, min..max
  kMemory,           // bytes with an optional unit, min..max
  kMemoryOrPercent,  // kMemory, or 0% .. 100%, which is stored as its negative
  kAutoOrInteger,    // auto (stored as 0), or min..max
  kChoice,           // one of `choices`; stored as its position
  kChoices,          // one or more of `choices`
  kText,             // one word
  kPath,             // one word; kept as given, shown and changed by CONFIG as where it leads (change.h)
  kFileName,         // one word of at least `min` bytes, which is no path
  kDirectoryName,    // the same
  kWords,            // min..max words
  kVersion,          // 7.2.4; stored as 0x00MMmmpp
  kSave,             // pairs of seconds and changes; further lines of a file add to it
  kEvents,           // some of kEventLetters, or A for most of them; stored as their bits
  kPercentiles,      // any number of decimals 0..100
  kOutputLimits,     // client-output-buffer-limit: class, hard, soft, seconds; once or more often
  kStatement,        // an instruction, not a value: in files only
};

enum class Change : uint8_t {
  kAnyTime,
  kProtected,  // at any time, by whom enable-protected-configs allows it
  kAtStart
};

// What giving the directive a value other than its default leads to.
enum class Effect : uint8_t {
  kWorks,
  kNone,    // accepted without effect, and said so in the log
  kRefused  // an error: it would promise what is not there
};

struct Directive {
  std::string_view name;        // lower case
  std::string_view alias = {};  // an older name, or empty
  Kind kind = Kind::kText;
  std::string_view initial = {};  // the default, in CONFIG GET's spelling
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  std::string_view choices = {};  // "no|yes|local"
  std::string_view unit = {};     // of the number: "s", "bytes"; empty if it has none
  Change change = Change::kAnyTime;
  Effect effect = Effect::kWorks;
  Number Settings::*member = nullptr;  // where the value lives; nullptr: as text
  std::string_view reason = {};        // kRefused: what is missing, as a sentence for the log
};

// Defines a user (acl_file.h): the one statement that is no error.
inline constexpr std::string_view kUserStatement = "user";

// In the order of the table, which is that of CONFIG GET *.
std::span<const Directive> directives();
// Any case, aliases too. nullptr if there is none.
const Directive* find_directive(std::string_view name);
size_t row_of(const Directive& directive);

// CONFIG GET and SET know it.
inline bool is_value(const Directive& directive) {
  return directive.kind != Kind::kStatement;
}
// Several words make up its value.
inline bool takes_words(const Directive& directive) {
  return directive.kind == Kind::kWords || directive.kind == Kind::kSave || directive.kind == Kind::kOutputLimits ||
         directive.kind == Kind::kChoices || directive.kind == Kind::kPercentiles;
}

// The two halves of the table.
std::span<const Directive> working_directives();
std::span<const Directive> other_directives();

}  // namespace millrace::settings
