// Scenario: what the clients of a ScenarioLoad say to the server and make of its answers. Run by the load's thread.
//
// The first clients, as many as --connections says, begin things: a command, or a message on its way through a group.
// When they begin the next one is the load's affair; that one came to its end the scenario reports to the load.
#pragma once

#include <cstdint>

#include "load/connection.h"
#include "load/reply.h"

namespace millrace::load {

class ScenarioLoad;

class Scenario {
 public:
  virtual ~Scenario() = default;

  // Of the whole load.
  virtual size_t clients() const = 0;
  // Makes what has to be there, on a connection of its own.
  virtual void prepare(Connection& control) = 0;
  // What clients say of their own accord when the load begins.
  virtual void open(ScenarioLoad&) {}

  // Writes what `client` begins now; latency counts from `due_ns`.
  virtual void begin(ScenarioLoad& load, size_t client, int64_t due_ns) = 0;
  // Any reply but an error.
  virtual void on_reply(ScenarioLoad& load, size_t client, const Reply& reply) = 0;
};

}  // namespace millrace::load
