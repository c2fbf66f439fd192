// See resp_reply.h.
#include "support/resp_reply.h"

#include <algorithm>
#include <charconv>

namespace millrace::test {
namespace {

// The rest of the line at `position`, which moves behind its CRLF; nothing if the line has not ended yet.
std::optional<std::string_view> read_line(std::string_view bytes, size_t& position) {
  const size_t end = bytes.find("\r\n", position);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = bytes.substr(position, end - position);
  position = end + 2;
  return line;
}

std::optional<int64_t> read_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

ReplyStatus read_bulk(std::string_view bytes, size_t& position, int64_t length, Reply& reply) {
  const auto size = static_cast<size_t>(length);
  if (bytes.size() - position < size + 2) return ReplyStatus::kIncomplete;
  reply.text = bytes.substr(position, size);
  if (bytes.substr(position + size, 2) != "\r\n") return ReplyStatus::kMalformed;
  position += size + 2;
  return ReplyStatus::kComplete;
}

ReplyStatus read_items(std::string_view bytes, size_t& position, int64_t count, Reply& reply) {
  for (int64_t i = 0; i < count; ++i) {
    const ReplyStatus status = read_reply(bytes, position, reply.items.emplace_back());
    if (status != ReplyStatus::kComplete) return status;
  }
  return ReplyStatus::kComplete;
}

ReplyStatus read_at(std::string_view bytes, size_t& position, Reply& reply) {
  reply = {};
  if (position >= bytes.size()) return ReplyStatus::kIncomplete;
  reply.mark = bytes[position++];
  const bool is_text = std::string_view("+-_,#").find(reply.mark) != std::string_view::npos;
  const bool is_counted = std::string_view(":$*%=~>").find(reply.mark) != std::string_view::npos;
  if (!is_text && !is_counted) return ReplyStatus::kMalformed;
  const auto line = read_line(bytes, position);
  if (!line) return ReplyStatus::kIncomplete;
  reply.is_null = reply.mark == '_';
  if (is_text) {
    reply.text = *line;
    return ReplyStatus::kComplete;
  }
  const auto number = read_number(*line);
  if (!number) return ReplyStatus::kMalformed;
  reply.number = *number;
  if (reply.mark == ':') return ReplyStatus::kComplete;
  reply.is_null = reply.number == -1;
  if (reply.is_null) return ReplyStatus::kComplete;
  if (reply.number < 0) return ReplyStatus::kMalformed;
  if (reply.mark == '$' || reply.mark == '=') return read_bulk(bytes, position, reply.number, reply);
  return read_items(bytes, position, reply.mark == '%' ? 2 * reply.number : reply.number, reply);
}

}  // namespace

ReplyStatus read_reply(std::string_view bytes, size_t& position, Reply& reply) {
  size_t end = position;
  const ReplyStatus status = read_at(bytes, end, reply);
  if (status == ReplyStatus::kComplete) position = end;
  return status;
}

std::string format_request(const std::vector<std::string>& words) {
  std::string request = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return request;
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

}  // namespace millrace::test
