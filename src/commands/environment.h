// Environment: the few things commands ask of the operating system, as functions supplied by main (or by a test).
// Any thread may call them. One that is not set counts as "nothing known".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "commands/memory_report.h"
#include "commands/memory_use.h"

namespace millrace::commands {

struct Environment {
  std::function<MemoryReport()> memory;
  // All that the program has taken from the allocator, in bytes; and what the calling thread has, if the allocator
  // counts that (memory_use.h).
  std::function<uint64_t()> used_memory = {};
  std::function<ThreadMemory()> thread_memory = {};
  // Gives pages that are not used back to the system. False: the allocator failed.
  std::function<bool()> purge_memory = {};
  // The allocator's statistics in its own words; empty if it has none.
  std::function<std::string()> allocator_statistics = {};
  std::function<CpuReport()> cpu;
  // CONFIG SET: why a value that is well-formed cannot be taken (a directory that is not there); empty if it can.
  std::function<std::string(std::string_view name, std::string_view value)> refuse_setting = {};
  // CONFIG GET and SET: where a path leads, without links and detours; the path itself if it leads nowhere.
  std::function<std::string(const std::string& path)> resolve_path = {};
  // CONFIG REWRITE. The whole file, nothing if there is none; nullopt if it is there and cannot be read.
  std::function<std::optional<std::string>(const std::string& path)> read_file;
  // The whole file; nullopt if it cannot be read or is not there.
  std::function<std::optional<std::string>(const std::string& path)> read_existing_file = {};
  // Replaces the file at once (a temporary file beside it, fsync, rename, fsync of the directory). nullopt, or why not.
  std::function<std::optional<std::string>(const std::string& path, const std::string& text)> replace_file;
  // Bytes that nobody can guess, for passwords.
  std::function<void(std::string& bytes)> fill_with_secrets = {};
};

}  // namespace millrace::commands
