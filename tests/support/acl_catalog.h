// A few commands for tests of access rules, in every shape that rules know: plain, with subcommands, in categories.
#pragma once

#include "settings/acl_catalog.h"

namespace millrace::test {

inline settings::AclCatalog small_acl_catalog() {
  settings::AclCatalog catalog;
  catalog.add({"get"});                     // 0
  catalog.add({"set"});                     // 1
  catalog.add({"select"});                  // 2
  catalog.add({"config", false, {4, 5}});   // 3
  catalog.add({"config|get", true});        // 4
  catalog.add({"config|set", true});        // 5
  catalog.add({"publish"});                 // 6
  catalog.add({"subscribe"});               // 7
  catalog.add({"psubscribe"});              // 8
  catalog.add({"xinfo", false, {10, 11}});  // 9
  catalog.add({"xinfo|stream", true});      // 10
  catalog.add({"xinfo|help", true});        // 11
  catalog.categories = {{"read", {0, 10}},      {"write", {1}},
                        {"fast", {0, 1, 2, 6}}, {"slow", {3, 4, 5, 7, 8, 9, 10, 11}},
                        {"admin", {4, 5}},      {"pubsub", {6, 7, 8}}};
  return catalog;
}

}  // namespace millrace::test
