// See server_pair.h.
#include "server_pair.h"

namespace millrace::test {

void ConnectionPair::send(const Words& words) {
  redis_->send(words);
  millrace_->send(words);
}

ReplyPair ConnectionPair::read() {
  return {.redis = redis_->read_reply(), .millrace = millrace_->read_reply()};
}

std::vector<ReplyPair> ConnectionPair::pipeline(const std::vector<Words>& commands) {
  std::string bytes;
  for (const Words& words : commands) bytes += RespConnection::request(words);
  redis_->send_raw(bytes);
  millrace_->send_raw(bytes);
  std::vector<ReplyPair> replies;
  for (size_t i = 0; i < commands.size(); i++) replies.push_back(read());
  return replies;
}

std::unique_ptr<ServerPair> ServerPair::start(std::string* why, const std::vector<std::string>& extra) {
  std::unique_ptr<ServerPair> pair(new ServerPair());
  pair->redis_ = ServerProcess::start({.kind = ServerKind::kRedis, .extra = extra}, why);
  if (pair->redis_ == nullptr) return nullptr;
  std::vector<std::string> words = {"--compat-version", "7.0.15"};
  words.insert(words.end(), extra.begin(), extra.end());
  pair->millrace_ = ServerProcess::start({.extra = words}, why);
  if (pair->millrace_ == nullptr) return nullptr;
  return pair;
}

}  // namespace millrace::test
