// See recording_proxy.h.
#include "compat/recording_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "base/check.h"
#include "support/resp_connection.h"
#include "support/resp_reply.h"

namespace millrace::test {
namespace {

constexpr size_t kTextMax = 40;  // of a word or a text that is written down
constexpr size_t kItemsMax = 8;  // of a reply's elements

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int listen_somewhere(uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(fd, 64) == 0);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

// Cut where it gets long, or where figures begin that differ from run to run.
std::string beginning(const std::string& text) {
  std::string start = text.substr(0, std::min(text.find_first_of("\r="), kTextMax));
  if (start.size() < text.size()) start += "...";
  return start;
}

// "+OK", "-ERR ...", ":", "$text", "*[$a :]", "%{server version ...}": the shape; figures differ from run to run.
std::string shape(const Reply& reply) {
  if (reply.is_null) return "nil";
  if (reply.mark == ':') return ":";
  if (reply.mark != '*' && reply.mark != '%' && reply.mark != '~' && reply.mark != '>') {
    return reply.mark + (reply.is_error() ? reply.text : beginning(reply.text));
  }
  const bool is_map = reply.mark == '%';
  const size_t step = is_map ? 2 : 1;
  std::string text = std::string(1, reply.mark) + (is_map ? "{" : "[");
  for (size_t i = 0; i < reply.items.size(); i += step) {
    if (i / step == kItemsMax) return text + " ... " + std::to_string(reply.items.size() / step) + (is_map ? "}" : "]");
    if (i > 0) text += " ";
    text += is_map ? reply.items[i].text : shape(reply.items[i]);
  }
  return text + (is_map ? "}" : "]");
}

}  // namespace

RecordingProxy::RecordingProxy(uint16_t server_port) : server_port_(server_port) {
  listener_ = listen_somewhere(port_);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

RecordingProxy::~RecordingProxy() {
  if (thread_.joinable()) finish();
  close(listener_);
  close(stop_);
}

std::string RecordingProxy::finish() {
  const uint64_t one = 1;
  CHECK(write(stop_, &one, sizeof one) == sizeof one);
  thread_.join();
  std::string text;
  for (auto link = links_.begin(); link != links_.end();) {
    const std::string& said = link->transcript;
    size_t count = 0;
    for (; link != links_.end() && link->transcript == said; ++link, ++count) {
      close(link->client);
      close(link->server);
    }
    if (said.empty()) continue;
    if (!text.empty()) text += "\n";
    text += said;
    if (count > 1) text += "(" + std::to_string(count) + " connections of this kind)\n";
  }
  return text;
}

void RecordingProxy::run() {
  for (;;) {
    std::vector<pollfd> waiting = {{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Link& link : links_) {
      waiting.push_back({link.client, POLLIN, 0});
      waiting.push_back({link.server, POLLIN, 0});
    }
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents != 0) return;
    size_t place = 2;
    for (Link& link : links_) {
      const bool client_spoke = waiting[place++].revents != 0;
      const bool server_spoke = waiting[place++].revents != 0;
      if ((client_spoke && !pass_on(link, true)) || (server_spoke && !pass_on(link, false))) {
        close(link.client);
        close(link.server);
        link.client = link.server = -1;  // poll looks over these
      }
    }
    if (waiting[1].revents != 0) accept_client();
  }
}

void RecordingProxy::accept_client() {
  Link& link = links_.emplace_back();
  link.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  link.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_port_);
  CHECK(connect(link.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

bool RecordingProxy::pass_on(Link& link, bool is_from_client) {
  char bytes[65536];
  const ssize_t count = read(is_from_client ? link.client : link.server, bytes, sizeof bytes);
  if (count <= 0) return false;
  const auto size = static_cast<size_t>(count);
  (is_from_client ? link.from_client : link.from_server).append(bytes, size);
  if (is_from_client) {
    understand_requests(link);
  } else {
    understand_replies(link);
  }
  return send(is_from_client ? link.server : link.client, bytes, size, MSG_NOSIGNAL) == count;
}

void RecordingProxy::understand_requests(Link& link) {
  while (link.parser.parse(link.from_client, {}) == resp::RequestParser::Status::kDone) {
    Words words;
    for (const std::string_view word : link.parser.args()) words.push_back(beginning(std::string(word)));
    if (!words.empty()) write_down(link, 'C', readable_words(words));
    link.from_client.erase(0, link.parser.consumed());
    link.parser.next();
  }
}

void RecordingProxy::understand_replies(Link& link) {
  for (;;) {
    size_t position = 0;
    Reply reply;
    if (read_reply(link.from_server, position, reply) != ReplyStatus::kComplete) return;
    write_down(link, 'S', shape(reply));
    link.from_server.erase(0, position);
  }
}

void RecordingProxy::write_down(Link& link, char speaker, const std::string& text) {
  if (link.speaker == speaker) {
    link.transcript.back() = ' ';
    link.transcript += "| " + text + "\n";
  } else {
    link.transcript += std::string(1, speaker) + ": " + text + "\n";
  }
  link.speaker = speaker;
}

}  // namespace millrace::test
