// The broker step by step, and random traffic against a plain model.
#include "pubsub/broker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "base/glob.h"
#include "base/random.h"
#include "unit/pubsub/broker_fixture.h"

namespace millrace::pubsub {
namespace {

using enum Kind;
constexpr Kind kAllKinds[] = {kChannel, kPattern, kShardChannel};

class BrokerTest : public testing::Test {
 protected:
  void TearDown() override {
    for (Listener* each : {&ann_, &bob_}) broker_.unsubscribe_all(each->subscriptions);
    EXPECT_FALSE(broker_.has_listeners());
  }
  void listen(Listener& who, Kind kind, std::string_view name) {
    int confirmations = 0;
    broker_.subscribe(kind, who.subscriptions, name, [&] { ++confirmations; });
    EXPECT_EQ(confirmations, 1);
  }
  bool stop(Listener& who, Kind kind, std::string_view name) {
    return broker_.unsubscribe(kind, who.subscriptions, name);
  }
  size_t say(std::string_view channel, std::string_view text) { return publish(broker_, kChannel, channel, text); }

  Broker broker_{99};
  Listener ann_;
  Listener bob_;
};

TEST_F(BrokerTest, AMessageReachesThoseWhoListenAndNobodyElse) {
  listen(ann_, kChannel, "news");
  EXPECT_EQ(say("news", "one"), 1u);
  EXPECT_EQ(say("weather", "two"), 0u);
  EXPECT_EQ(ann_.received, (std::vector<Received>{{"", "one"}}));
  EXPECT_TRUE(bob_.received.empty());
}

TEST_F(BrokerTest, ChannelAndPatternsOfOneClientAllGetIt) {
  listen(ann_, kPattern, "n*");
  listen(ann_, kPattern, "*s");
  listen(ann_, kChannel, "news");
  EXPECT_EQ(say("news", "x"), 3u);
  ASSERT_EQ(ann_.received.size(), 3u);
  EXPECT_EQ(ann_.received[0].pattern, "");
}

TEST_F(BrokerTest, ShardChannelsAreAWorldOfTheirOwn) {
  listen(ann_, kShardChannel, "news");
  listen(bob_, kPattern, "*");
  EXPECT_EQ(say("news", "x"), 1u);
  EXPECT_EQ(publish(broker_, kShardChannel, "news", "y"), 1u);
  EXPECT_EQ(ann_.received, (std::vector<Received>{{"", "y"}}));
  EXPECT_EQ(bob_.received, (std::vector<Received>{{"*", "x"}}));
}

TEST_F(BrokerTest, TheConfirmationComesBeforeTheFirstMessageAndCountsTheName) {
  size_t count = 0;
  broker_.subscribe(kChannel, ann_.subscriptions, "news", [&] { count = ann_.subscriptions.channels_and_patterns(); });
  EXPECT_EQ(count, 1u);
  broker_.subscribe(kChannel, ann_.subscriptions, "news", [&] { count = 10 + ann_.subscriptions.count(kChannel); });
  EXPECT_EQ(count, 11u) << "who listens already is confirmed as well";
  EXPECT_EQ(say("news", "x"), 1u) << "and still listens once";
}

TEST_F(BrokerTest, WhoStoppedHearsNothing) {
  listen(ann_, kChannel, "news");
  listen(ann_, kPattern, "news*");
  EXPECT_TRUE(stop(ann_, kChannel, "news"));
  EXPECT_FALSE(stop(ann_, kChannel, "news"));
  EXPECT_FALSE(stop(ann_, kShardChannel, "news"));
  EXPECT_TRUE(stop(ann_, kPattern, "news*"));
  EXPECT_FALSE(broker_.has_listeners());
  EXPECT_TRUE(ann_.subscriptions.empty());
  EXPECT_EQ(say("news", "x"), 0u);
}

TEST_F(BrokerTest, SeveralMessagesGoTogetherUnlessAPatternMatches) {
  listen(ann_, kChannel, "news");
  listen(bob_, kPattern, "weather*");
  {
    Message messages("one, two");
    EXPECT_TRUE(broker_.publish_together(kChannel, "news", messages));
    EXPECT_EQ(messages.count(), 1u);
  }
  listen(bob_, kPattern, "n*");
  {
    Message messages("three, four");
    EXPECT_FALSE(broker_.publish_together(kChannel, "news", messages));
    EXPECT_TRUE(bob_.received.empty());
    EXPECT_TRUE(broker_.publish_together(kShardChannel, "news", messages)) << "which no pattern matches";
    EXPECT_EQ(messages.count(), 0u);
  }
  EXPECT_EQ(ann_.received, (std::vector<Received>{{"", "one, two"}}));
}

TEST_F(BrokerTest, WhoIsLeavingIsNotCounted) {
  listen(ann_, kChannel, "news");
  listen(ann_, kPattern, "*");
  listen(bob_, kChannel, "news");
  listen(bob_, kPattern, "*");
  ann_.is_leaving = true;
  EXPECT_EQ(say("news", "x"), 2u);
  EXPECT_EQ(bob_.received, (std::vector<Received>{{"", "x"}, {"*", "x"}}));
  EXPECT_TRUE(ann_.received.empty());
}

// The first delivery makes the other receiver leave, as an output limit may.
class LastWords : public Message {
 public:
  LastWords(Listener& a, Listener& b) : Message("x"), a_(a), b_(b) {}
  void to_channel(Subscriber& subscriber) override {
    a_.is_leaving = true;
    b_.is_leaving = true;
    Message::to_channel(subscriber);
  }

 private:
  Listener& a_;
  Listener& b_;
};

TEST_F(BrokerTest, WhoLeavesAfterTheCountStillGetsTheMessage) {
  listen(ann_, kChannel, "news");
  listen(bob_, kChannel, "news");
  {
    LastWords message(ann_, bob_);
    broker_.publish(kChannel, "news", message);
    EXPECT_EQ(message.count(), 2u);
  }
  EXPECT_EQ(say("news", "y"), 0u);
  EXPECT_EQ(ann_.received.size() + bob_.received.size(), 2u);
}

TEST_F(BrokerTest, PatternsWithLiteralBeginningsMatchLikeGlobs) {
  const std::string longer(100, 'x');
  for (const std::string& pattern : {std::string("news."), std::string("news.*"), std::string("news.**"),
                                     std::string("news.?"), std::string("*"), std::string(""), longer, longer + "*"}) {
    listen(ann_, kPattern, pattern);
  }
  for (const std::string& channel : {std::string("news."), std::string("news.a"), std::string("new"), std::string(""),
                                     longer, longer + "y", longer.substr(1)}) {
    size_t expected = 0;
    for (const std::string& pattern : ann_.subscriptions.names(kPattern)) expected += glob_matches(pattern, channel);
    EXPECT_EQ(say(channel, "x"), expected) << channel;
  }
}

TEST_F(BrokerTest, ShowsEveryListenerWithEachNameOfItsKind) {
  listen(ann_, kChannel, "a");
  listen(ann_, kChannel, "b");
  listen(bob_, kChannel, "b");
  listen(bob_, kPattern, "b*");
  listen(ann_, kShardChannel, "a");
  const auto shown = [&](Kind kind) {
    std::set<std::string> found;
    broker_.for_each_listener(kind, [&](std::string_view name, Subscriber& subscriber) {
      found.insert(std::string(name) + (&subscriber == &ann_ ? " ann" : " bob"));
    });
    return found;
  };
  EXPECT_EQ(shown(kChannel), (std::set<std::string>{"a ann", "b ann", "b bob"}));
  EXPECT_EQ(shown(kPattern), std::set<std::string>{"b* bob"});
  EXPECT_EQ(shown(kShardChannel), std::set<std::string>{"a ann"});
}

TEST_F(BrokerTest, TellsChannelNamesByPattern) {
  listen(ann_, kChannel, "news");
  listen(ann_, kChannel, "");
  EXPECT_EQ(broker_.channel_names(kChannel, "n*"), std::vector<std::string>{"news"});
  EXPECT_EQ(broker_.channel_names(kChannel, "*").size(), 1u) << "an empty name matches no star, as in KEYS";
  EXPECT_EQ(broker_.channel_names(kChannel, std::nullopt).size(), 2u);
  EXPECT_TRUE(broker_.channel_names(kShardChannel, std::nullopt).empty());
}

// ---- random traffic

class BrokerAtRandom : public testing::Test {
 protected:
  static constexpr size_t kListeners = 12;
  using Names = std::map<std::string, std::set<size_t>>;

  explicit BrokerAtRandom() : random_(kSeed) {}
  void TearDown() override {
    for (Listener& each : listeners_) broker_.unsubscribe_all(each.subscriptions);
    EXPECT_FALSE(broker_.has_listeners());
    EXPECT_GT(deliveries_, 1000u) << "too few deliveries for a test of delivering";
  }

  std::string draw_name(Kind kind) {
    static constexpr std::string_view kChannels[] = {"", "a", "ab", "abc", "b", "news.", "news.a", "news.b", "zz"};
    static constexpr std::string_view kPatterns[] = {"",       "*",  "a*",     "a?",       "ab",   "*c", "[ab]*",
                                                     "news.*", "n*", "news.?", "news.\\a", "**a*", "b",  "?"};
    if (kind == kPattern) return std::string(kPatterns[random_.below(std::size(kPatterns))]);
    return std::string(kChannels[random_.below(std::size(kChannels))]);
  }
  Names& model(Kind kind) { return model_[static_cast<size_t>(kind)]; }

  void subscribe(size_t who, Kind kind, const std::string& name) {
    model(kind)[name].insert(who);
    size_t confirmed = 0;
    broker_.subscribe(kind, listeners_[who].subscriptions, name,
                      [&] { confirmed = listeners_[who].subscriptions.count(kind); });
    EXPECT_EQ(confirmed, names_of(who, kind).size());
  }
  void unsubscribe(size_t who, Kind kind, const std::string& name) {
    EXPECT_EQ(broker_.unsubscribe(kind, listeners_[who].subscriptions, name), remove(who, kind, name));
  }
  void unsubscribe_all(size_t who) {
    for (const Kind kind : kAllKinds) {
      for (const std::string& name : names_of(who, kind)) remove(who, kind, name);
    }
    broker_.unsubscribe_all(listeners_[who].subscriptions);
    EXPECT_TRUE(listeners_[who].subscriptions.empty());
    listeners_[who].is_leaving = false;
  }

  void publish_and_compare(Kind kind, const std::string& channel) {
    std::array<std::multiset<std::string>, kListeners> expected;
    const auto expect = [&](const std::set<size_t>& audience, const std::string& pattern) {
      for (const size_t who : audience) {
        if (!listeners_[who].is_leaving) expected[who].insert(pattern);
      }
    };
    if (model(kind).contains(channel)) expect(model(kind)[channel], "<channel>");
    if (kind == kChannel) {
      for (const auto& [pattern, audience] : model(kPattern)) {
        if (glob_matches(pattern, channel)) expect(audience, pattern);
      }
    }
    size_t total = 0;
    for (const auto& each : expected) total += each.size();
    const bool goes_together = kind == kShardChannel || !is_matched(channel);
    Shown message;
    if (random_.one_in(2)) {
      EXPECT_EQ(broker_.publish_together(kind, channel, message), goes_together);
      EXPECT_TRUE(goes_together || message.received.empty());
      if (!goes_together) return;
    } else {
      broker_.publish(kind, channel, message);
    }
    EXPECT_EQ(message.count, total);
    for (size_t who = 0; who < kListeners; ++who) EXPECT_EQ(message.received[&listeners_[who]], expected[who]);
    deliveries_ += total;
  }

  void compare_what_is_told() {
    for (const Kind kind : kAllKinds) {
      for (size_t who = 0; who < kListeners; ++who) {
        std::vector<std::string> names = listeners_[who].subscriptions.names(kind);
        std::ranges::sort(names);
        EXPECT_EQ(names, names_of(who, kind));
        EXPECT_EQ(listeners_[who].subscriptions.count(kind), names.size());
      }
      if (kind == kPattern) continue;
      EXPECT_EQ(broker_.channel_count(kind), model(kind).size());
      EXPECT_EQ(broker_.channel_names(kind, std::nullopt).size(), model(kind).size());
      for (const auto& [name, audience] : model(kind)) EXPECT_EQ(broker_.audience_size(kind, name), audience.size());
    }
    EXPECT_EQ(broker_.pattern_count(), model(kPattern).size());
    EXPECT_EQ(broker_.has_listeners(), !model(kChannel).empty() || !model(kPattern).empty());
  }

  static constexpr uint64_t kSeed = 3;
  Random random_;
  std::array<Listener, kListeners> listeners_;
  size_t deliveries_ = 0;

 private:
  // What each got of one message: the patterns, "<channel>" for the channel itself.
  struct Shown final : Delivery {
    void counted(size_t deliveries) override { count = deliveries; }
    void to_channel(Subscriber& subscriber) override { received[&subscriber].insert("<channel>"); }
    void to_pattern(Subscriber& subscriber, std::string_view pattern) override {
      received[&subscriber].insert(std::string(pattern));
    }
    size_t count = 0;
    std::map<Subscriber*, std::multiset<std::string>> received;
  };

  bool is_matched(const std::string& channel) {
    return std::ranges::any_of(model(kPattern), [&](const auto& entry) { return glob_matches(entry.first, channel); });
  }
  bool remove(size_t who, Kind kind, const std::string& name) {
    const auto entry = model(kind).find(name);
    if (entry == model(kind).end()) return false;
    const bool was_there = entry->second.erase(who) != 0;
    if (entry->second.empty()) model(kind).erase(entry);
    return was_there;
  }
  std::vector<std::string> names_of(size_t who, Kind kind) {
    std::vector<std::string> result;
    for (const auto& [name, audience] : model(kind)) {
      if (audience.contains(who)) result.push_back(name);
    }
    return result;
  }

  Broker broker_{kSeed};
  std::array<Names, kKinds> model_;
};

TEST_F(BrokerAtRandom, AgreesWithTheModel) {
  for (int step = 0; step < 20'000 && !HasFailure(); ++step) {
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", step " << step);
    const size_t who = random_.below(kListeners);
    const Kind kind = kAllKinds[random_.below(kKinds)];
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        subscribe(who, kind, draw_name(kind));
        break;
      case 3:
      case 4:
        unsubscribe(who, kind, draw_name(kind));
        break;
      case 5:
        if (random_.one_in(4)) unsubscribe_all(who);
        if (random_.one_in(4)) listeners_[who].is_leaving = true;
        break;
      default:
        publish_and_compare(random_.one_in(4) ? kShardChannel : kChannel, draw_name(kChannel));
    }
    if (step % 16 == 0) compare_what_is_told();
  }
}

}  // namespace
}  // namespace millrace::pubsub
