// See fan_out_load.h.
#include "load/fan_out_load.h"

#include <algorithm>

#include "load/fail.h"
#include "load/processor_time.h"
#include "load/schedule.h"
#include "load/time.h"

namespace millrace::load {
namespace {

constexpr int64_t kWaitNsMax = kNsPerSecond / 20;
constexpr int64_t kPatienceNs = 60 * kNsPerSecond;  // for replies after the last message

}  // namespace

FanOutLoad::FanOutLoad(const FanOutOptions& options) : options_(options), deaf_(options) {
  for (size_t i = 0; i < static_cast<size_t>(options.publishers); ++i) {
    publishers_.push_back(std::make_unique<Publisher>(options_, i));
    poller_.add(publishers_.back()->fd(), i);
  }
  for (size_t i = 0; i < static_cast<size_t>(options.subscribers); ++i) {
    subscribers_.push_back(std::make_unique<Subscriber>(options_, i % static_cast<size_t>(options.channels)));
    poller_.add(subscribers_.back()->fd(), publishers_.size() + i);
  }
  poller_.add(deaf_.fd(), publishers_.size() + subscribers_.size());
}

FanOutResult FanOutLoad::run() {
  const auto server_cpu_ns = [this] { return options_.pid == 0 ? 0 : processor_time_ns(options_.pid); };
  const uint64_t server_cpu_before = server_cpu_ns();
  const uint64_t own_cpu_before = own_processor_time_ns();
  const int64_t start = now_ns();
  publish();
  const int64_t answered = now_ns();
  wait_for_deliveries();
  FanOutResult result = add_up();
  result.publish_ns = answered - start;
  result.deliver_ns = now_ns() - start;
  result.server_cpu_ns = server_cpu_ns() - server_cpu_before;
  result.own_cpu_ns = own_processor_time_ns() - own_cpu_before;
  for (int64_t& closed : result.deaf_closed_ns) closed -= start;
  return result;
}

// ---- The loop

void FanOutLoad::turn(int64_t wake_ns) {
  const int64_t now = now_ns();
  for (const epoll_event& event : poller_.wait(std::min(wake_ns, now + kWaitNsMax))) handle(event.data.u64);
  deaf_.ask_if_due(now);
}

void FanOutLoad::handle(size_t index) {
  if (index < publishers_.size()) {
    publishers_[index]->on_readable();
    return;
  }
  index -= publishers_.size();
  if (index == subscribers_.size()) {
    deaf_.on_readable(now_ns());
    return;
  }
  Subscriber& subscriber = *subscribers_[index];
  if (options_.rate > 0) {
    subscriber.on_readable(latency_);
  } else {
    subscriber.on_readable();
  }
  if (subscriber.was_closed()) poller_.remove(subscriber.fd());
}

// ---- Publishing

void FanOutLoad::publish() {
  const int64_t stop = now_ns() + options_.seconds * kNsPerSecond;
  if (options_.rate > 0) {
    publish_on_schedule(stop);
  } else {
    publish_batches(stop);
  }
  wait_for_answers();
}

void FanOutLoad::publish_batches(int64_t stop_ns) {
  for (int64_t now = now_ns(); now < stop_ns; now = now_ns()) {
    for (const auto& publisher : publishers_) {
      if (publisher->unanswered() == 0) publisher->publish(options_.pipeline, now);
    }
    turn(stop_ns);
  }
}

void FanOutLoad::publish_on_schedule(int64_t stop_ns) {
  const Schedule schedule{.start_ns = now_ns(), .rate = options_.rate};
  const auto messages = options_.rate * options_.seconds;
  for (int64_t next = 0; next < messages && schedule.due_ns(next) < stop_ns;) {
    for (const int64_t now = now_ns(); next < messages && schedule.due_ns(next) <= now; ++next) {
      publishers_[static_cast<size_t>(next) % publishers_.size()]->publish(1, schedule.due_ns(next));
    }
    turn(schedule.due_ns(next));
  }
}

bool FanOutLoad::is_answered() const {
  return std::ranges::all_of(publishers_, [](const auto& publisher) { return publisher->unanswered() == 0; });
}

void FanOutLoad::wait_for_answers() {
  const int64_t deadline = now_ns() + kPatienceNs;
  while (!is_answered()) {
    if (now_ns() > deadline) fail("some PUBLISH was not answered");
    turn(deadline);
  }
}

void FanOutLoad::wait_for_deliveries() {
  for (const auto& subscriber : subscribers_) subscriber->send_last_ping();
  const int64_t deadline = now_ns() + kPatienceNs;
  const auto is_done = [](const auto& subscriber) { return subscriber->is_done(); };
  while (!std::ranges::all_of(subscribers_, is_done)) {
    if (now_ns() > deadline) fail("a subscriber's PING was not answered");
    turn(deadline);
  }
}

// ---- What came of it

FanOutResult FanOutLoad::add_up() const {
  FanOutResult result{.latency = latency_,
                      .deaf = deaf_.count(),
                      .deaf_closed_ns = deaf_.closed_ns(),
                      .deaf_output_bytes_max = deaf_.output_bytes_max()};
  for (const auto& publisher : publishers_) {
    result.published += publisher->answered();
    result.receivers += publisher->receivers();
  }
  for (const auto& subscriber : subscribers_) {
    result.delivered += subscriber->received();
    result.misplaced += subscriber->misplaced();
    result.closed += subscriber->was_closed() ? 1 : 0;
    for (size_t i = 0; i < publishers_.size(); ++i) {
      const uint64_t expected = publishers_[i]->sent_on(subscriber->channel());
      result.expected += expected;
      result.missing += expected - std::min(expected, subscriber->in_order()[i]);
    }
  }
  return result;
}

}  // namespace millrace::load
