// See deaf_subscribers.h.
#include "load/deaf_subscribers.h"

#include <algorithm>
#include <string_view>

#include "base/numbers.h"
#include "load/fail.h"
#include "load/subscriber.h"
#include "load/time.h"

namespace millrace::load {
namespace {

// As over a real network. With the segments of the loopback device the system keeps megabytes for a socket before the
// server has to keep anything.
constexpr int kSegmentBytes = 1460;
constexpr int64_t kAskEveryNs = kNsPerSecond / 10;

// The number behind " name=" in a line of CLIENT LIST, or -1.
int64_t field(std::string_view line, std::string_view name) {
  const size_t at = line.find(name);
  if (at == std::string_view::npos) return -1;
  const std::string_view rest = line.substr(at + name.size());
  return parse_i64(rest.substr(0, rest.find(' '))).value_or(-1);
}

}  // namespace

DeafSubscribers::DeafSubscribers(const FanOutOptions& options) : control_(options.host, options.port) {
  std::string ids;
  for (size_t i = 0; i < static_cast<size_t>(options.deaf); ++i) {
    auto connection = std::make_unique<Connection>(options.host, options.port, kSegmentBytes);
    const std::string id(connection->call(command({"CLIENT", "ID"})).part(0));
    connection->call(command({"SUBSCRIBE", channel_name(i % static_cast<size_t>(options.channels))}));
    deaf_.push_back({.connection = std::move(connection), .id = parse_i64(id).value_or(0)});
    ids += "$" + std::to_string(id.size()) + "\r\n" + id + "\r\n";
  }
  question_ = "*" + std::to_string(3 + deaf_.size()) + "\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n$2\r\nID\r\n" + ids;
}

void DeafSubscribers::ask_if_due(int64_t now_ns) {
  if (deaf_.empty() || is_asking_ || now_ns < next_ask_ns_) return;
  is_asking_ = true;
  next_ask_ns_ = now_ns + kAskEveryNs;
  control_.send(question_);
}

void DeafSubscribers::on_readable(int64_t now_ns) {
  if (!control_.receive(Connection::Patience::kDoNotWait)) fail("the server closed the connection that watches");
  const auto reply = control_.take_reply();
  if (!reply) return;
  is_asking_ = false;
  if (reply->kind == '-') fail("CLIENT LIST ID was answered: ", reply->part(0));
  std::vector<int64_t> present;
  std::string_view text = reply->part(0);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    present.push_back(field(line, "id="));
    output_bytes_max_ = std::max(output_bytes_max_, field(line, " omem="));
  }
  for (Deaf& deaf : deaf_) {
    if (!deaf.closed_ns && std::ranges::find(present, deaf.id) == present.end()) deaf.closed_ns = now_ns;
  }
}

std::vector<int64_t> DeafSubscribers::closed_ns() const {
  std::vector<int64_t> times;
  for (const Deaf& deaf : deaf_) {
    if (deaf.closed_ns) times.push_back(*deaf.closed_ns);
  }
  std::ranges::sort(times);
  return times;
}

}  // namespace millrace::load
