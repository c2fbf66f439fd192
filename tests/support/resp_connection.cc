// See resp_connection.h.
#include "support/resp_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstring>
#include <optional>

#include "base/numbers.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;

bool wait_readable(int fd, milliseconds patience) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, static_cast<int>(patience.count())) > 0;
}

// A cursor over the lines of raw replies; a reply is walked element by element without recursion.
class ReplyWalker {
 public:
  struct Element {
    char type = 0;
    std::string_view text;  // of the line, or of the bulk
    int64_t children = 0;   // elements of an aggregate, both halves of a pair counted; -1 = null
  };
  enum class Step { kElement, kIncomplete, kNotResp };

  explicit ReplyWalker(std::string_view bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }

  Step next(Element* element) {
    const size_t end = bytes_.find("\r\n", position_);
    if (end == std::string_view::npos) return Step::kIncomplete;
    element->type = bytes_[position_];
    element->text = bytes_.substr(position_ + 1, end - position_ - 1);
    element->children = 0;
    position_ = end + 2;
    switch (element->type) {
      case '+':
      case '-':
      case ':':
      case '_':
      case '#':
      case ',':
      case '(':
        return Step::kElement;
      case '$':
      case '=':
      case '!':
        return bulk(element);
      case '*':
      case '~':
      case '>':
      case '%':
      case '|':
        return aggregate(element);
      default:
        return Step::kNotResp;
    }
  }

 private:
  Step bulk(Element* element) {
    const std::optional<int64_t> length = parse_i64(element->text);
    if (!length || *length < -1) return Step::kNotResp;
    if (*length < 0) {
      element->children = -1;
      return Step::kElement;
    }
    const size_t size = static_cast<size_t>(*length);
    if (bytes_.size() - position_ < size + 2) return Step::kIncomplete;
    element->text = bytes_.substr(position_, size);
    if (bytes_.substr(position_ + size, 2) != "\r\n") return Step::kNotResp;
    position_ += size + 2;
    return Step::kElement;
  }

  Step aggregate(Element* element) {
    const std::optional<int64_t> count = parse_i64(element->text);
    if (!count || *count < -1) return Step::kNotResp;
    const bool has_pairs = element->type == '%' || element->type == '|';
    element->children = has_pairs && *count > 0 ? *count * 2 : *count;
    return Step::kElement;
  }

  std::string_view bytes_;
  size_t position_ = 0;
};

std::string name_of_type(const ReplyWalker::Element& element) {
  switch (element.type) {
    case '*':
      return "array";
    case '~':
      return "set";
    case '>':
      return "push";
    case '%':
      return "map";
    case '|':
      return "attribute";
    default:
      return std::string(1, element.type);
  }
}

std::string readable_element(const ReplyWalker::Element& element) {
  const std::string name = name_of_type(element);
  if (element.children < 0) return name == "$" ? "(null bulk)" : "(null " + name + ")";
  if (name.size() > 1) return name + " of " + std::string(element.text);
  if (element.type == '$') return readable_text(element.text);
  return name + readable_text(element.text);
}

}  // namespace

size_t reply_size(std::string_view bytes) {
  ReplyWalker walker(bytes);
  int64_t elements_left = 1;
  while (elements_left > 0) {
    ReplyWalker::Element element;
    const ReplyWalker::Step step = walker.next(&element);
    if (step == ReplyWalker::Step::kIncomplete) return 0;
    if (step == ReplyWalker::Step::kNotResp) return kNotResp;
    elements_left += (element.children > 0 ? element.children : 0) - 1;
  }
  return walker.position();
}

std::string readable_reply(std::string_view raw) {
  ReplyWalker walker(raw);
  std::vector<int64_t> left_per_depth = {1};
  std::string out;
  ReplyWalker::Element element;
  while (!left_per_depth.empty() && walker.next(&element) == ReplyWalker::Step::kElement) {
    left_per_depth.back()--;
    out += std::string(2 * (left_per_depth.size() - 1), ' ') + readable_element(element) + "\n";
    if (element.children > 0) left_per_depth.push_back(element.children);
    while (!left_per_depth.empty() && left_per_depth.back() == 0) left_per_depth.pop_back();
  }
  if (walker.position() < raw.size()) out += "rest: " + readable_text(raw.substr(walker.position())) + "\n";
  return out;
}

std::string readable_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (std::isprint(byte) != 0) {
      out += c;
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out + '"';
}

std::string readable_words(const Words& words) {
  std::string out;
  for (const std::string& word : words) {
    bool is_plain = !word.empty();
    for (const char c : word) is_plain = is_plain && std::isgraph(static_cast<unsigned char>(c)) != 0 && c != '"';
    if (!out.empty()) out += ' ';
    out += is_plain ? word : readable_text(word);
  }
  return out;
}

std::unique_ptr<RespConnection> RespConnection::connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::unique_ptr<RespConnection> connection(new RespConnection(fd));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return nullptr;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

std::unique_ptr<RespConnection> RespConnection::connect_unix(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  std::unique_ptr<RespConnection> connection(new RespConnection(fd));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return nullptr;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return nullptr;
  return connection;
}

RespConnection::~RespConnection() {
  close(fd_);
}

std::string RespConnection::request(const Words& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return out;
}

bool RespConnection::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string RespConnection::read_reply() {
  error_.clear();
  while (true) {
    const size_t size = reply_size(std::string_view(received_).substr(taken_));
    if (size == kNotResp) {
      error_ = "not RESP: " + readable_text(std::string_view(received_).substr(taken_));
      return "";
    }
    if (size > 0) {
      std::string reply = received_.substr(taken_, size);
      taken_ += size;
      return reply;
    }
    if (!fill()) return "";
  }
}

std::string RespConnection::command(const Words& words) {
  if (send(words)) return read_reply();
  error_ = "the connection was closed";
  return "";
}

bool RespConnection::has_reply(milliseconds patience) {
  return taken_ < received_.size() || (wait_readable(fd_, patience) && fill());
}

bool RespConnection::is_closed_by_peer() {
  while (fill()) received_.clear(), taken_ = 0;
  return error_ == "the connection was closed";
}

void RespConnection::finish_sending() {
  shutdown(fd_, SHUT_WR);
}

// Appends what the socket has, waiting for it until the deadline. False, with error_ set, if nothing came.
bool RespConnection::fill() {
  received_.erase(0, taken_);
  taken_ = 0;
  if (!wait_readable(fd_, deadline_)) {
    error_ = "no reply within the deadline";
    return false;
  }
  std::array<char, 65536> buffer;
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count <= 0) {
    error_ = "the connection was closed";
    return false;
  }
  received_.append(buffer.data(), static_cast<size_t>(count));
  return true;
}

}  // namespace millrace::test
