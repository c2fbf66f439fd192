// Everything a server holds, as its commands show it: keys of all databases with their type, time to live, content,
// groups, consumers and pending entries. And how far two such pictures may differ after keys went from one server to
// the other: not at all, but for the fields of one table (kExceptions in the .cc file), each with its reason and with
// the passages that it is for.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reply_tree.h"
#include "support/resp_connection.h"

namespace millrace::test {

// What a command showed of a key.
struct Look {
  Words command;
  Reply reply;
};
using KeyName = std::pair<int, std::string>;  // the database comes first
using KeysShown = std::map<KeyName, std::vector<Look>>;

// Waits until nothing is about to expire. REQUIRES: nobody writes meanwhile.
KeysShown look_at_all_keys(RespConnection& connection);

// The way from where the first picture was taken to the second.
struct Passage {
  bool has_journal = false;           // not only in RDB files
  bool has_other_version = false;     // the servers follow the rules of different versions of Redis
  bool has_journal_of_redis = false;  // some of it was written by redis-server
  bool was_running_redis = false;     // the first picture is of that redis-server: what it does not journal is missing
};

// What differs beyond the exceptions, for people; empty = nothing.
std::string difference(const KeysShown& before, const KeysShown& after, const Passage& passage);

// How much of what is hard there is in a picture.
struct Richness {
  size_t keys = 0;
  size_t databases = 0;
  size_t expiring = 0;
  size_t strings = 0;
  size_t groups = 0;
  size_t consumers = 0;
  size_t pending = 0;
  size_t pending_without_entry = 0;
};
Richness richness_of(const KeysShown& keys);

}  // namespace millrace::test
