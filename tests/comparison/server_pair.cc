// See server_pair.h.
#include "server_pair.h"

#include "base/numbers.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

int64_t next_client_id(uint16_t port) {
  const std::unique_ptr<RespConnection> connection = RespConnection::connect(port);
  return connection ? parse_i64(parse_reply(connection->command({"CLIENT", "ID"})).text).value_or(0) : 0;
}

// Clients name each other by their ids, so both servers shall have handed out as many, however often each was asked
// whether it is there yet.
void level_client_ids(uint16_t one, uint16_t other) {
  int64_t ids[] = {next_client_id(one), next_client_id(other)};
  while (ids[0] > 0 && ids[0] < ids[1]) ids[0] = next_client_id(one);
  while (ids[1] > 0 && ids[1] < ids[0]) ids[1] = next_client_id(other);
}

}  // namespace

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
  level_client_ids(pair->redis_->port(), pair->millrace_->port());
  return pair;
}

}  // namespace millrace::test
