// Random rules and random questions against a checker that keeps no sets: for each question it goes through all rules
// from the first to the last and does what each says.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/glob.h"
#include "base/letters.h"
#include "base/random.h"
#include "settings/acl_check.h"
#include "settings/acl_rules.h"
#include "support/acl_catalog.h"

namespace millrace::settings {
namespace {

constexpr uint64_t kSeed = 20261128;
constexpr int kRounds = 20'000;

constexpr std::string_view kCommandRules[] = {
    "+get",      "-get",     "+set",    "-set",        "+select",     "-select",  "+select|0",
    "+select|a", "+config",  "-config", "+config|get", "-config|get", "+xinfo",   "-xinfo",
    "+@read",    "-@read",   "+@write", "-@write",     "+@slow",      "-@slow",   "+@fast",
    "-@fast",    "+@pubsub", "-@admin", "+subscribe",  "+psubscribe", "+publish", "-xinfo|stream",
    "+SET",      "+@all",    "-@all",   "allcommands", "nocommands",  "+get|x"};
constexpr std::string_view kKeyRules[] = {"~a", "~a*", "~b*", "%R~a*", "%W~b", "%RW~c", "resetkeys", "allkeys", "~*"};
constexpr std::string_view kChannelRules[] = {"&a", "&a*", "&b?", "resetchannels", "allchannels", "&*"};
constexpr std::string_view kWords[] = {"a", "ab", "b", "bc", "c", "a*", "0", "x", ""};

std::string_view pick(Random& random, std::span<const std::string_view> words) {
  return words[random.below(words.size())];
}

std::string random_rule(Random& random) {
  const uint64_t kind = random.below(10);
  if (kind < 6) return std::string(pick(random, kCommandRules));
  return std::string(kind < 8 ? pick(random, kKeyRules) : pick(random, kChannelRules));
}

// One selector as the list of the rules that were accepted.
struct SlowSelector {
  std::vector<std::string> rules;
};

struct Question {
  uint32_t command = 0;
  std::vector<std::string_view> args;
  std::vector<AclKeyUse> keys;
  std::vector<uint32_t> channels;
  bool are_patterns = false;
};

class SlowChecker {
 public:
  explicit SlowChecker(const AclCatalog& catalog) : catalog_(catalog) {}

  bool allows(const SlowSelector& selector, const Question& question) const {
    if (!allows_command(selector, question)) return false;
    for (const AclKeyUse& use : question.keys) {
      if (!allows_key(selector, question.args[use.position], use)) return false;
    }
    for (const uint32_t position : question.channels) {
      if (!allows_channel(selector, question.args[position], question.are_patterns)) return false;
    }
    return true;
  }

 private:
  bool is_in(std::string_view category, uint32_t command) const {
    const std::vector<uint32_t>& commands = catalog_.find_category(category)->commands;
    return std::find(commands.begin(), commands.end(), command) != commands.end();
  }
  // The rule says something about the command: by name, by its container's name, by a category of either.
  bool concerns(std::string_view subject, uint32_t command) const {
    const std::string& name = catalog_.commands[command].name;
    const std::string container = name.substr(0, name.find('|'));
    if (subject[0] != '@') return same_word(subject, name) || same_word(subject, container);
    return is_in(subject.substr(1), command) || is_in(subject.substr(1), *catalog_.find(container));
  }

  bool allows_command(const SlowSelector& selector, const Question& question) const {
    bool is_allowed = false;
    bool is_allowed_by_argument = false;
    for (const std::string& rule : selector.rules) {
      const std::string_view subject = std::string_view(rule).substr(1);
      if (rule == "+@all" || rule == "allcommands" || rule == "-@all" || rule == "nocommands") {
        is_allowed = rule[0] == '+' || rule[0] == 'a';
        is_allowed_by_argument = false;
      } else if (rule[0] != '+' && rule[0] != '-') {
        continue;
      } else if (subject[0] == '@' || catalog_.find(subject)) {
        if (!concerns(subject, question.command)) continue;
        is_allowed = rule[0] == '+';
        is_allowed_by_argument = false;
      } else if (same_word(subject.substr(0, subject.find('|')), catalog_.commands[question.command].name)) {
        const bool fits =
            question.args.size() > 1 && same_word(subject.substr(subject.find('|') + 1), question.args[1]);
        is_allowed_by_argument = is_allowed_by_argument || fits;
      }
    }
    return is_allowed || is_allowed_by_argument;
  }

  static bool allows_key(const SlowSelector& selector, std::string_view key, const AclKeyUse& use) {
    std::vector<std::pair<std::string, std::string>> patterns;  // what for, and which
    bool all = false;
    for (const std::string& rule : selector.rules) {
      if (rule == "resetkeys" || rule == "allkeys" || rule == "~*") {
        patterns.clear();
        all = rule != "resetkeys";
      } else if (rule[0] == '~') {
        patterns.emplace_back("RW", rule.substr(1));
      } else if (rule[0] == '%') {
        patterns.emplace_back(rule.substr(1, rule.find('~') - 1), rule.substr(rule.find('~') + 1));
      }
    }
    // The same pattern for reading and for writing is one for both.
    return all || std::any_of(patterns.begin(), patterns.end(), [&](const auto& one) {
             bool reads = false;
             bool writes = false;
             for (const auto& [use_for, pattern] : patterns) {
               if (pattern != one.second) continue;
               reads = reads || use_for.find('R') != std::string::npos;
               writes = writes || use_for.find('W') != std::string::npos;
             }
             return glob_matches(one.second, key) && (reads || !use.reads) && (writes || !use.writes);
           });
  }

  static bool allows_channel(const SlowSelector& selector, std::string_view channel, bool is_pattern) {
    std::vector<std::string> patterns;
    bool all = false;
    for (const std::string& rule : selector.rules) {
      if (rule == "resetchannels" || rule == "allchannels" || rule == "&*") {
        patterns.clear();
        all = rule != "resetchannels";
      } else if (rule[0] == '&') {
        patterns.push_back(rule.substr(1));
      }
    }
    return all || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
             return is_pattern ? pattern == channel : glob_matches(pattern, channel);
           });
  }

  const AclCatalog& catalog_;
};

Question random_question(Random& random, const AclCatalog& catalog) {
  Question question;
  question.command = static_cast<uint32_t>(random.below(catalog.commands.size()));
  question.args.push_back(catalog.commands[question.command].name);
  for (uint64_t left = random.below(4); left > 0; --left) question.args.push_back(pick(random, kWords));
  for (uint32_t position = 1; position < question.args.size(); ++position) {
    if (random.one_in(3)) question.keys.push_back({position, random.one_in(2), random.one_in(2)});
    if (random.one_in(5)) question.channels.push_back(position);
  }
  question.are_patterns = random.one_in(2);
  return question;
}

TEST(AclModel, AgreesWithACheckerThatGoesThroughAllRules) {
  const AclCatalog catalog = test::small_acl_catalog();
  const AclRules rules(catalog, {});
  const SlowChecker checker(catalog);
  Random random(kSeed);
  int allowed = 0;
  for (int round = 0; round < kRounds; ++round) {
    AclUser user = rules.new_user("u");
    std::vector<SlowSelector> selectors(1);
    for (uint64_t left = random.below(8); left > 0; --left) {
      const std::string rule = random_rule(random);
      if (!rules.apply(user, rule)) selectors[0].rules.push_back(rule);
    }
    for (uint64_t left = random.below(3); left > 0; --left) {
      const std::string first = random_rule(random);
      const std::string second = random_rule(random);
      if (!rules.apply(user, "(" + first + " " + second + ")")) selectors.push_back({{first, second}});
    }
    for (int i = 0; i < 10; ++i) {
      const Question question = random_question(random, catalog);
      const bool expected = std::any_of(selectors.begin(), selectors.end(), [&](const SlowSelector& selector) {
        return checker.allows(selector, question);
      });
      const AclRequest request{.command = question.command,
                               .first_argument = question.args.size() > 1 ? question.args[1] : "",
                               .args = question.args,
                               .keys = question.keys,
                               .channels = question.channels,
                               .channels_are_patterns = question.are_patterns};
      ASSERT_EQ(!find_denial(user, request), expected)
          << "seed " << kSeed << ", round " << round << ": " << acl_user_line(user) << " / " << question.args[0];
      allowed += expected ? 1 : 0;
    }
  }
  EXPECT_GT(allowed, kRounds / 10);
}

// What ACL LIST prints makes the same user again.
TEST(AclModel, LinesMakeTheSameUserAgain) {
  const AclCatalog catalog = test::small_acl_catalog();
  const AclRules rules(catalog, {});
  Random random(kSeed);
  for (int round = 0; round < kRounds; ++round) {
    AclUser user = rules.new_user("u");
    for (uint64_t left = random.below(10); left > 0; --left) {
      const std::string rule = random_rule(random);
      rules.apply(user, random.one_in(4) ? "(" + rule + ")" : rule);
    }
    const std::string line = acl_user_line(user);
    AclUser again = rules.new_user("u");
    std::vector<std::string_view> words;
    for (std::string_view rest = line; !rest.empty();) {
      words.push_back(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(rest.size(), words.back().size() + 1));
    }
    for (const std::string& rule : join_selectors(std::span(words).subspan(2)).rules) {
      ASSERT_EQ(rules.apply(again, rule), std::nullopt) << line;
    }
    ASSERT_EQ(acl_user_line(again), line);
    ASSERT_EQ(again.selectors.size(), user.selectors.size());
    for (size_t i = 0; i < user.selectors.size(); ++i) {
      ASSERT_EQ(again.selectors[i].commands, user.selectors[i].commands) << line;
    }
  }
}

}  // namespace
}  // namespace millrace::settings
