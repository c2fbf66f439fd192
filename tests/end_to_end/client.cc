// See client.h.
#include "end_to_end/client.h"

#include <sys/time.h>

#include "base/check.h"

namespace millrace::test {
namespace {

constexpr timeval kDeadline{.tv_sec = 60, .tv_usec = 0};

}  // namespace

std::string to_text(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_NIL:
      return "(nil)";
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_ERROR:
      return "-" + std::string(reply.str, reply.len);
    case REDIS_REPLY_ARRAY: {
      std::string text = "[";
      for (size_t i = 0; i < reply.elements; ++i) text += (i > 0 ? ", " : "") + to_text(*reply.element[i]);
      return text + "]";
    }
    default:
      return std::string(reply.str, reply.len);
  }
}

Client::Client(uint16_t port) : context_(redisConnect("127.0.0.1", port), &redisFree) {
  CHECK(context_ != nullptr && context_->err == 0);
  redisSetTimeout(context_.get(), kDeadline);
}

std::string Client::call(const std::vector<std::string>& words) {
  send(words);
  return receive();
}

void Client::send(const std::vector<std::string>& words) {
  std::vector<const char*> pointers;
  std::vector<size_t> lengths;
  for (const std::string& word : words) {
    pointers.push_back(word.data());
    lengths.push_back(word.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), pointers.data(), lengths.data());
}

bool Client::flush() {
  int done = 0;
  while (done == 0) {
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return false;
  }
  return true;
}

std::string Client::receive() {
  void* answer = nullptr;
  if (redisGetReply(context_.get(), &answer) != REDIS_OK) return "(lost: " + std::string(context_->errstr) + ")";
  const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(static_cast<redisReply*>(answer),
                                                                      &freeReplyObject);
  return to_text(*reply);
}

}  // namespace millrace::test
