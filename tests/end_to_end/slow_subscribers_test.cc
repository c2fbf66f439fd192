// Subscribers that do not read: they are closed at their limit, by size or by time, and nobody else notices.
//
// MILLRACE_TEST_FULL publishes for ten seconds with the limits that Redis has by default, instead of one second with
// lower ones.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <span>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr size_t kReaders = 990;
constexpr size_t kSleepers = 10;
constexpr size_t kNumberDigits = 10;
constexpr size_t kPayloadBytes = 200;
constexpr size_t kPipeline = 64;
constexpr std::string_view kChannel = "news";
// Sleepers hear each message through that many patterns as well, so that their limit is reached sooner.
constexpr size_t kPatterns = 20;

bool is_full_run() {
  return std::getenv("MILLRACE_TEST_FULL") != nullptr;
}

uint64_t number_behind(const std::string& text, std::string_view name) {
  const size_t at = text.find(name);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
}

std::string payload(uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kNumberDigits - digits.size(), '0') + digits + std::string(kPayloadBytes - kNumberDigits, 'x');
}

// A socket that does not block, to 127.0.0.1.
class Socket {
 public:
  Socket(uint16_t port, int receive_buffer_bytes) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    CHECK(fd_ >= 0);
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }
  // Waits until all is sent: requests are few and short.
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      CHECK(sent > 0);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // What is there; negative: nothing, 0: the end.
  ssize_t receive(std::span<char> buffer) const { return recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT); }

 private:
  int fd_;
};

// Hears the messages 1, 2, 3, ... and nothing else, whole and in that order.
class Reader {
 public:
  explicit Reader(uint16_t port) : socket_(port, 0) {
    socket_.send(RespConnection::request({"SUBSCRIBE", std::string(kChannel)}));
    expected_ = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n";
  }

  int fd() const { return socket_.fd(); }
  // How many messages it has heard whole.
  uint64_t heard() const { return heard_; }
  bool is_subscribed() const { return is_subscribed_; }

  // False if something else than the next message came.
  bool read_what_is_there() {
    std::array<char, 16384> buffer;
    const ssize_t count = socket_.receive(buffer);
    if (count == 0) return false;
    return count < 0 || matches({buffer.data(), static_cast<size_t>(count)});
  }

 private:
  bool matches(std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t size = std::min(bytes.size(), expected_.size() - matched_);
      if (std::memcmp(bytes.data(), expected_.data() + matched_, size) != 0) return false;
      bytes.remove_prefix(size);
      matched_ += size;
      if (matched_ == expected_.size()) expect_next();
    }
    return true;
  }
  void expect_next() {
    if (is_subscribed_) ++heard_;
    is_subscribed_ = true;
    matched_ = 0;
    expected_ = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$" + std::to_string(kPayloadBytes) + "\r\n" +
                payload(heard_ + 1) + "\r\n";
  }

  Socket socket_;
  bool is_subscribed_ = false;
  uint64_t heard_ = 0;
  std::string expected_;  // the message under way, and how much of it came already
  size_t matched_ = 0;
};

// Publishes the numbered messages, a pipeline ahead of the replies.
class Publisher {
 public:
  explicit Publisher(uint16_t port) : socket_(port, 0) {}

  int fd() const { return socket_.fd(); }
  uint64_t published() const { return published_; }
  bool is_waiting() const { return replies_due_ > 0; }

  void publish() {
    std::string bytes;
    for (; replies_due_ < kPipeline; ++replies_due_) {
      bytes += RespConnection::request({"PUBLISH", std::string(kChannel), payload(++published_)});
    }
    socket_.send(bytes);
  }
  // False if the connection was closed or a count is impossible.
  bool read_what_is_there() {
    std::array<char, 4096> buffer;
    const ssize_t count = socket_.receive(buffer);
    if (count == 0) return false;
    received_.append(buffer.data(), count < 0 ? 0 : static_cast<size_t>(count));
    for (size_t size = reply_size(received_); size != 0; size = reply_size(received_)) {
      if (size == kNotResp) return false;
      last_count_ = std::strtoull(received_.c_str() + 1, nullptr, 10);
      if (last_count_ < kReaders || last_count_ > kReaders + kSleepers * (1 + kPatterns)) return false;
      received_.erase(0, size);
      --replies_due_;
    }
    return true;
  }
  // What the last PUBLISH returned.
  uint64_t last_count() const { return last_count_; }

 private:
  Socket socket_;
  uint64_t published_ = 0;
  size_t replies_due_ = 0;
  std::string received_;
  uint64_t last_count_ = 0;
};

class SlowSubscribersTest : public EndToEnd {
 protected:
  void TearDown() override {
    if (poll_fd_ >= 0) close(poll_fd_);
    EndToEnd::TearDown();
  }

  uint64_t closed_at_their_limit() const {
    return number_behind(client().call({"INFO", "stats"}), "client_output_buffer_limit_disconnections:");
  }
  std::unique_ptr<Socket> sleeper(const std::vector<Words>& requests) const {
    auto socket = std::make_unique<Socket>(port(), 4096);
    for (const Words& words : requests) socket->send(RespConnection::request(words));
    return socket;
  }

  // ---- A thousand subscribers, read by one loop.

  void watch(int fd, size_t index) {
    if (poll_fd_ < 0) poll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
    ASSERT_EQ(epoll_ctl(poll_fd_, EPOLL_CTL_ADD, fd, &event), 0);
  }
  void subscribe_everybody() {
    Words patterns = {"PSUBSCRIBE"};
    for (size_t i = 0; i < kPatterns; ++i) patterns.push_back("n" + std::string(i + 1, '*') + "s");
    for (size_t i = 0; i < kSleepers; ++i) {
      sleepers_.push_back(sleeper({{"SUBSCRIBE", std::string(kChannel)}, patterns}));
    }
    for (size_t i = 0; i < kReaders; ++i) {
      readers_.push_back(std::make_unique<Reader>(port()));
      watch(readers_.back()->fd(), i);
    }
    watch(publisher_->fd(), kReaders);
    Client observer = client();
    ASSERT_TRUE(go_on_until([&] {
      const bool all_confirmed =
          std::all_of(readers_.begin(), readers_.end(), [](auto& r) { return r->is_subscribed(); });
      return all_confirmed && observer.call({"PUBSUB", "NUMPAT"}) == std::to_string(kPatterns) &&
             observer.call({"PUBSUB", "NUMSUB", std::string(kChannel)}) == "[news, 1000]";
    }));
  }
  // Reads whatever arrives, and lets `condition` look now and then. False if it never holds, or somebody was wronged.
  template <typename Condition>
  bool go_on_until(Condition condition) {
    const auto give_up = steady_clock::now() + seconds(120);
    auto next_look = steady_clock::now();
    std::array<epoll_event, 256> events;
    while (steady_clock::now() < give_up) {
      const int count = epoll_wait(poll_fd_, events.data(), events.size(), 10);
      for (int i = 0; i < count; ++i) {
        const size_t index = events[static_cast<size_t>(i)].data.u64;
        const bool is_well =
            index == kReaders ? publisher_->read_what_is_there() : readers_[index]->read_what_is_there();
        if (!is_well) {
          ADD_FAILURE() << (index == kReaders ? "publisher" : "reader") << " " << index << " was closed or misled";
          return false;
        }
      }
      if (is_publishing_ && !publisher_->is_waiting()) publisher_->publish();
      if (steady_clock::now() < next_look) continue;
      if (condition()) return true;
      next_look = steady_clock::now() + milliseconds(50);
    }
    return false;
  }

  int poll_fd_ = -1;
  std::vector<std::unique_ptr<Socket>> sleepers_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::unique_ptr<Publisher> publisher_;
  bool is_publishing_ = false;
};

TEST_P(SlowSubscribersTest, TenOfAThousandAreClosedAndNobodyElseNotices) {
  ASSERT_GT(allow_open_files(), kReaders + kSleepers + 100);
  start({"--maxclients", "2000"});
  if (!is_full_run()) {
    ASSERT_EQ(client().call({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0"}), "OK");
  }
  publisher_ = std::make_unique<Publisher>(port());
  ASSERT_NO_FATAL_FAILURE(subscribe_everybody());
  const auto end = steady_clock::now() + seconds(is_full_run() ? 10 : 1);
  is_publishing_ = true;
  EXPECT_TRUE(go_on_until([&] { return steady_clock::now() >= end && closed_at_their_limit() == kSleepers; }))
      << closed_at_their_limit() << " were closed";
  is_publishing_ = false;
  EXPECT_TRUE(go_on_until([&] { return !publisher_->is_waiting(); }));
  publisher_->publish();
  EXPECT_TRUE(go_on_until([&] {
    return !publisher_->is_waiting() && std::all_of(readers_.begin(), readers_.end(),
                                                    [&](auto& r) { return r->heard() == publisher_->published(); });
  }));
  EXPECT_EQ(publisher_->last_count(), kReaders);
  EXPECT_EQ(closed_at_their_limit(), kSleepers);
  EXPECT_EQ(client().call({"PUBSUB", "NUMSUB", std::string(kChannel)}), "[news, 990]");
  EXPECT_EQ(client().call({"PUBSUB", "NUMPAT"}), "0");
  std::cout << publisher_->published() << " messages" << std::endl;
  readers_.clear();
  sleepers_.clear();
  expect_clean_end();
}

// ---- The limit by time.

// Hears so much that the sockets between cannot hold it.
void overwhelm(Client& publisher) {
  for (int i = 0; i < 12; ++i) publisher.call({"PUBLISH", "a", std::string(1 << 20, 'x')});
}

TEST_P(SlowSubscribersTest, WhoStaysBehindForTooLongIsClosed) {
  start({"--client-output-buffer-limit", "pubsub", "0", "1mb", "1"});
  Client publisher = client();
  const auto slow = sleeper({{"SUBSCRIBE", "a"}});
  ASSERT_TRUE(eventually([&] { return publisher.call({"PUBSUB", "NUMSUB", "a"}) == "[a, 1]"; }));
  const auto before = steady_clock::now();
  overwhelm(publisher);
  // Nothing more is published: somebody has to look at the clock.
  EXPECT_TRUE(eventually([&] { return closed_at_their_limit() == 1; }, seconds(kIsSanitized ? 20 : 5)));
  EXPECT_GE(steady_clock::now() - before, seconds(1));
  EXPECT_EQ(publisher.call({"PUBLISH", "a", "x"}), "0");
}

TEST_P(SlowSubscribersTest, WhoCatchesUpInTimeStays) {
  start({"--client-output-buffer-limit", "pubsub", "0", "1mb", "2"});
  Client publisher = client();
  const auto late = raw();
  late->command({"SUBSCRIBE", "a"});
  const auto before = steady_clock::now();
  while (steady_clock::now() - before < seconds(4)) {
    overwhelm(publisher);
    for (int i = 0; i < 12; ++i) ASSERT_NE(late->read_reply(), "") << late->error();
    // It has caught up: this one finds nothing queued before it.
    publisher.call({"PUBLISH", "a", "x"});
    ASSERT_NE(late->read_reply(), "") << late->error();
  }
  EXPECT_EQ(closed_at_their_limit(), 0u);
}

TEST_P(SlowSubscribersTest, TheLimitOfOtherClientsDoesNotCount) {
  start({"--client-output-buffer-limit", "normal", "1mb", "0", "0"});
  Client publisher = client();
  const auto listener = raw();
  listener->command({"SUBSCRIBE", "a"});
  overwhelm(publisher);
  for (int i = 0; i < 12; ++i) ASSERT_NE(listener->read_reply(), "") << listener->error();
  EXPECT_EQ(closed_at_their_limit(), 0u);
}

ON_BOTH_BACKENDS(SlowSubscribersTest);

}  // namespace
}  // namespace millrace::test
