// See random_stream.h.
#include "support/random_stream.h"

#include <vector>

#include "streams/delivery.h"

namespace millrace::test {
namespace {

using namespace streams;

constexpr int64_t kStartMs = 1'700'000'000'000;

class Maker {
 public:
  Maker(Random& random, const StreamTaste& taste) : random_(random), taste_(taste) {}

  std::unique_ptr<Stream> make() {
    for (int i = 0; i < taste_.steps; ++i) step();
    return std::move(stream_);
  }

 private:
  std::string text() {
    switch (random_.below(7)) {
      case 0:
        return "";
      case 1:
        return std::to_string(static_cast<int64_t>(random_.next() >> random_.below(64)));
      case 2:
        return std::to_string(-static_cast<int64_t>(random_.next() >> (1 + random_.below(63))));
      case 3:
        return std::string(random_.below(200), 'x');
      case 4: {
        std::string bytes(random_.below(40), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random_.next());
        return bytes;
      }
      default:
        return "value" + std::to_string(random_.below(100));
    }
  }
  // Names that the format writes in different ways.
  std::string name() {
    static const std::string kNames[] = {"g", "12", "-300", "70000", "9999999999", std::string(90, 'n'), ""};
    return kNames[random_.below(std::size(kNames))];
  }
  StreamId some_id() {
    if (random_.one_in(30)) return {random_.next() >> random_.below(64), random_.below(3)};
    const auto last = stream_->last_id();
    return {last.ms - std::min(last.ms, random_.below(40)), random_.below(2)};
  }
  Group* some_group() {
    if (stream_->groups().empty()) return nullptr;
    auto place = stream_->groups().begin();
    for (auto steps = random_.below(stream_->groups().size()); steps > 0; --steps) ++place;
    return &place->second;
  }
  Consumer& some_consumer(Group& group) {
    Consumer& consumer = group.ensure_consumer(name(), now_ms_);
    consumer.seen_time_ms = now_ms_;
    return consumer;
  }

  void append() {
    const bool usual = !random_.one_in(4);
    std::vector<std::string> texts;
    for (uint64_t left = usual ? 2 : 1 + random_.below(4); left > 0; --left) {
      texts.push_back(usual ? "field" + std::to_string(left) : text());
      texts.push_back(text());
    }
    const std::vector<std::string_view> elements(texts.begin(), texts.end());
    const NodeLimits limits{.bytes_max = 600, .entries_max = 6};
    (void)stream_->append({}, elements, now_ms_, limits);
    if (!random_.one_in(3)) now_ms_ += static_cast<int64_t>(random_.below(5));
  }
  void trim() {
    TrimOptions options;
    options.length_max = stream_->length() - std::min(stream_->length(), random_.below(8));
    options.approximate = random_.one_in(2);
    stream_->trim(options);
  }
  void deliver(Group& group) {
    const NewDelivery delivery{.count = 1 + random_.below(10), .now_ms = now_ms_};
    deliver_new(
        *stream_, group, some_consumer(group), delivery, [] { return true; }, [](EntryIterator&) {});
  }
  // Finds out that entries have gone, which puts their records aside.
  void claim_all_idle(Group& group) {
    const IdleClaim idle{.count = 3, .min_idle_ms = 5, .now_ms = now_ms_};
    claim_idle(
        *stream_, group, some_consumer(group), idle, [] { return true; }, [](EntryIterator&, const ClaimedEntry&) {});
  }
  void claim_one(Group& group) {
    ClaimOptions options{.delivery_time_ms = now_ms_ - static_cast<int64_t>(random_.below(100))};
    options.force = random_.one_in(2);
    if (random_.one_in(5)) options.retry_count = static_cast<int64_t>(random_.next() >> (1 + random_.below(63)));
    claim(*stream_, group, some_consumer(group), some_id(), options);
  }
  void nack_one(Group& group) {
    const auto record = group.pending.at_or_after(some_id());
    if (taste_.nacked && record) {
      nack(*stream_, group, record->id, static_cast<NackMode>(random_.below(3)), std::nullopt, false);
    }
  }
  void with_group() {
    Group* const group = some_group();
    if (group == nullptr) return;
    switch (random_.below(8)) {
      case 0:
        claim_one(*group);
        break;
      case 1:
      case 2:
        nack_one(*group);
        break;
      case 3:
        claim_all_idle(*group);
        break;
      case 4:
        if (const auto record = group->pending.at_or_after(some_id())) group->pending.erase(record->id);
        break;
      case 5:
        some_consumer(*group);
        break;
      default:
        deliver(*group);
    }
  }
  void record() {
    if (!taste_.idempotency) return;
    if (random_.one_in(8)) {
      stream_->idempotency.set_limits({.duration_s = 1 + static_cast<int64_t>(random_.below(86400)), .entries_max = 4});
    }
    const std::string producer = "p" + name();
    if (random_.one_in(6)) return stream_->idempotency.touch_producer(producer);
    if (random_.one_in(6)) return stream_->idempotency.count_duplicate();
    stream_->idempotency.record(producer, "i" + text(), stream_->last_id());
  }
  void step() {
    switch (random_.below(16)) {
      case 0:
        stream_->create_group(name(), some_id(), random_.one_in(2) ? -1 : static_cast<int64_t>(random_.below(50)));
        break;
      case 1:
        trim();
        break;
      case 2:
      case 3:
        stream_->erase(some_id());
        break;
      case 4:
        record();
        break;
      case 5:
        if (random_.one_in(10)) stream_->set_entries_added(stream_->entries_added() + random_.below(10));
        break;
      case 6:
      case 7:
      case 8:
        with_group();
        break;
      default:
        append();
    }
  }

  Random& random_;
  const StreamTaste taste_;
  std::unique_ptr<Stream> stream_ = std::make_unique<Stream>();
  int64_t now_ms_ = kStartMs;
};

std::string text_of(StreamId id) {
  return std::to_string(id.ms) + "-" + std::to_string(id.seq);
}

std::string entries_of(const Stream& stream) {
  std::string text;
  for (auto entry = stream.entries(kStreamIdMin, kStreamIdMax); entry.valid(); entry.next()) {
    text += text_of(entry.id());
    for (size_t i = 0; i < entry.pair_count(); ++i) {
      const auto [field, value] = entry.next_pair();
      text += " [" + std::string(field) + "]=[" + std::string(value) + "]";
    }
    text += "\n";
  }
  return text;
}

std::string pending_of(const Group& group, const Kept& kept) {
  std::string text;
  for (auto record = group.pending.first(); record; record = group.pending.after(record->id)) {
    if (record->consumer == kNoConsumer && !kept.nacked) continue;
    text += "    " + text_of(record->id) + " of [" + std::string(group.consumer_name(record->consumer)) + "] at " +
            std::to_string(record->delivery_time_ms) + " times " + std::to_string(record->delivery_count) + "\n";
  }
  return text;
}

std::string group_of(const Stream& stream, const std::string& name, const Group& group, const Kept& kept) {
  std::string text = "  group [" + name + "] at " + text_of(group.last_delivered) + " read " +
                     std::to_string(group.entries_read) + "\n" + pending_of(group, kept);
  for (const auto& [consumer, facts] : group.consumers()) {
    const int64_t active_ms = kept.active_time ? facts.active_time_ms : facts.seen_time_ms;
    text += "    consumer [" + consumer + "] seen " + std::to_string(facts.seen_time_ms) + " active " +
            std::to_string(active_ms) + " has " + std::to_string(group.pending.count_of(facts.id)) + "\n";
  }
  if (!kept.nacked) return text;
  for (auto record = group.pending.oldest(); record && record->consumer == kNoConsumer;) {
    if (stream.contains(record->id)) text += "    nacked " + text_of(record->id) + "\n";
    record = group.pending.next_oldest(record->id);
  }
  return text;
}

std::string records_of(const Idempotency& idempotency) {
  std::string text = "  idempotency " + std::to_string(idempotency.limits().duration_s) + " s, " +
                     std::to_string(idempotency.limits().entries_max) + " entries, added " +
                     std::to_string(idempotency.records_added()) + ", again " +
                     std::to_string(idempotency.duplicates()) + "\n";
  idempotency.visit(
      {.producer = [&](std::string_view name,
                       size_t count) { text += "    " + std::string(name) + std::to_string(count) + "\n"; },
       .record = [&](std::string_view, std::string_view id,
                     StreamId entry) { text += "      [" + std::string(id) + "] " + text_of(entry) + "\n"; }});
  return text;
}

}  // namespace

std::unique_ptr<Stream> random_stream(Random& random, const StreamTaste& taste) {
  return Maker(random, taste).make();
}

std::string content_of(const Stream& stream, const Kept& kept) {
  std::string text = std::to_string(stream.length()) + " entries in " + std::to_string(stream.node_count()) +
                     " nodes, last " + text_of(stream.last_id()) + ", first " + text_of(stream.first_id()) +
                     ", deleted up to " + text_of(stream.max_deleted_id()) + ", added " +
                     std::to_string(stream.entries_added()) + "\n" + entries_of(stream);
  for (const auto& [name, group] : stream.groups()) text += group_of(stream, name, group, kept);
  return kept.idempotency ? text + records_of(stream.idempotency) : text;
}

}  // namespace millrace::test
