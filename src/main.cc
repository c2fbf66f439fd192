// millrace-server: reads the settings, builds the server and its cores in order, hands references down, and waits for
// the signal to end.
#include <pthread.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "commands/acl_files.h"
#include "commands/command_table.h"
#include "commands/server.h"
#include "core/core.h"
#include "core/journal.h"
#include "core/journal_directory.h"
#include "core/journal_loading.h"
#include "io/choose_backend.h"
#include "io/machine.h"
#include "io/socket.h"
#include "io/system_clock.h"
#include "io/system_disk.h"
#include "process/allocator.h"
#include "process/daemon.h"
#include "process/environment.h"
#include "process/files.h"
#include "process/listeners.h"
#include "settings/load.h"
#include "settings/settings.h"

namespace {

using namespace millrace;

constexpr std::string_view kHelp =
    "Usage: millrace-server [/path/to/redis.conf] [--directive value ...]\n"
    "       millrace-server -                 (configuration on standard input)\n"
    "       millrace-server -v | --version\n"
    "       millrace-server -h | --help\n"
    "\n"
    "Examples:\n"
    "       millrace-server                   (defaults: port 6379)\n"
    "       millrace-server redis.conf\n"
    "       millrace-server --port 7000 --cores 2\n"
    "       millrace-server redis.conf --port 7000 --loglevel verbose\n"
    "\n"
    "Every directive of redis.conf can be given on the command line; what comes later wins.\n";

// Files and pipes a server needs beside its clients.
constexpr uint64_t kOtherFiles = 64;

// Of every thread. The system's 8 MB, a few times, are half of a small container's address space.
constexpr size_t kStackBytes = 1 << 20;

// While keys are loaded: time for cores that wait for a partition.
constexpr std::chrono::microseconds kPauseOfLoading{20};

int fail(const std::string& message) {
  std::fprintf(stderr, "millrace-server: %s\n", message.c_str());
  return 1;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) seed = static_cast<uint64_t>(io::read_clocks().monotonic_ns);
  return seed;
}

std::string make_run_id() {
  Random random(random_seed());
  std::string id;
  while (id.size() < 40) id += "0123456789abcdef"[random.below(16)];
  return id;
}

std::string describe_os() {
  utsname names{};
  uname(&names);
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

core::PeerFacts prepare_socket(int fd, const settings::Settings& settings) {
  core::PeerFacts facts;
  facts.address = io::peer_name(fd);
  facts.local_address = io::local_name(fd);
  facts.is_unix = io::is_unix(fd);
  facts.is_local = io::is_loopback_or_unix(fd);
  if (!facts.is_unix) {
    io::set_no_delay(fd);
    if (const int64_t seconds = settings.tcp_keepalive_s.load(); seconds > 0) {
      io::set_keepalive(fd, static_cast<int>(seconds));
    }
  }
  return facts;
}

// Lowers maxclients to what the limit of open files allows, as Redis does, and says so.
void fit_open_files(settings::Settings& settings, Log& log) {
  const auto wanted = static_cast<uint64_t>(settings.maxclients.load()) + kOtherFiles;
  const uint64_t got = io::raise_open_file_limit(wanted);
  if (got >= wanted) return;
  const uint64_t clients = got > kOtherFiles ? got - kOtherFiles : 1;
  settings.maxclients.store(static_cast<int64_t>(clients));
  log.warning("The limit of open files is " + std::to_string(got) + ": maxclients is " + std::to_string(clients) +
              " now. Raise it with 'ulimit -n' for more.");
}

// Whoever gives a server little memory should find in the log what it knows of that.
void note_memory_limit(const settings::Settings& settings, Log& log) {
  const std::optional<uint64_t> limit = io::memory_limit();
  if (!limit) return;
  std::string line = "Memory is limited to " + std::to_string(*limit / 1024) + " kB (ulimit -v, or the container)";
  const auto maxmemory = static_cast<uint64_t>(settings.maxmemory_bytes.load());
  if (maxmemory == 0) line += "; without maxmemory the server ends when that is used up";
  if (maxmemory > *limit) line += ", less than maxmemory";
  log.notice(line);
}

// What the server keeps on the disk.
struct Files {
  io::SystemDisk& disk;
  core::Journal journal;
  core::JournalDirectory journal_directory;

  Files(commands::Server& server, io::SystemDisk& disk_in)
      : disk(disk_in),
        journal(server, disk_in),
        journal_directory(disk_in, server.settings.journal_directory(), server.settings.text("appendfilename")) {
    server.journal = &journal;
  }
};

// One core's backend, object and thread.
struct RunningCore {
  std::unique_ptr<io::Backend> backend;
  std::unique_ptr<core::Core> core;
  std::thread thread;
};

class Cores {
 public:
  Cores(commands::Server& server, const commands::CommandTable& table,
        std::vector<std::unique_ptr<io::Backend>> backends, const process::Listeners& listeners, Files& files) {
    const auto count = static_cast<size_t>(server.facts.core_count);
    cores_.resize(count);
    directory_.resize(count);
    const core::Surroundings surroundings{
        .prepare_socket = [&server](int fd) { return prepare_socket(fd, server.settings); },
        .request_shutdown = process::request_shutdown,
        .disk = &files.disk,
        .journal = &files.journal,
        .journal_directory = &files.journal_directory,
    };
    for (size_t i = 0; i < count; ++i) {
      cores_[i].backend = std::move(backends[i]);
      const core::Core::Options options{.index = static_cast<uint32_t>(i), .seed = random_seed()};
      cores_[i].core =
          std::make_unique<core::Core>(options, server, table, *cores_[i].backend, directory_, surroundings);
      directory_[i] = cores_[i].core.get();
      for (int fd : listeners.of_core(i)) cores_[i].core->listen(fd);
    }
  }

  // nullopt, or why not all of them run; stop() ends those that do.
  std::optional<std::string> start() {
    try {
      for (RunningCore& running : cores_) {
        running.thread = std::thread([&core = *running.core] { core.run(); });
      }
      return std::nullopt;
    } catch (const std::system_error& error) {
      return std::string("Can't start a thread per core: ") + error.code().message();
    }
  }
  // Goes on with process::request_shutdown(), if it works.
  void save_and_end() { cores_[0].core->save_and_end(); }
  void stop() {
    for (RunningCore& running : cores_) running.core->stop();
    for (RunningCore& running : cores_) {
      if (running.thread.joinable()) running.thread.join();
    }
  }

 private:
  std::vector<RunningCore> cores_;
  core::CoreDirectory directory_;
};

// nullopt, or why files cannot be there.
std::optional<std::string> directory_error(io::Disk& disk, const std::string& path) {
  std::vector<std::string> names;
  const int result = disk.list_directory(path, names);
  if (result >= 0) return std::nullopt;
  return io::error_text(result);
}

// Loads everything while the cores answer that they are loading, and turns the journal on. nullopt: the server can
// serve. Otherwise why not; empty if it was asked to end.
std::optional<std::string> load(commands::Server& server, const commands::CommandTable& table, Files& files) {
  std::optional<std::string> end;
  keyspace::PartitionLocks locks(server.keyspace);
  auto journal_file = core::load_at_start({.server = server,
                                           .table = table,
                                           .disk = files.disk,
                                           .locks = locks,
                                           .read_clock = io::read_clocks,
                                           .must_stop =
                                               [&end] {
                                                 if (!end) end = process::poll_for_shutdown();
                                                 return end.has_value();
                                               },
                                           .let_others_run = [] { std::this_thread::sleep_for(kPauseOfLoading); },
                                           .reads_ahead = true,
                                           .prepare_memory = process::memory_preparation()},
                                          files.journal_directory);
  if (end) {
    server.log.warning(end->empty() ? "SHUTDOWN asked for while loading, ending"
                                    : "Received " + *end + " while loading, ending");
    return std::string();
  }
  if (!journal_file) return journal_file.error();
  locks.hold_all();
  if (journal_file->fd >= 0) files.journal.open(*journal_file);
  commands::measure_memory(server);  // what was loaded counts for the first command
  // Said before the first client can be answered: who got an answer finds it in the log.
  server.log.notice("Ready to accept connections");
  server.loading.is_loading.store(false, std::memory_order_release);
  return std::nullopt;
}

// A signal with save points set saves first. If that fails the server stays, as Redis does.
void wait_for_end(const settings::Settings& settings, Log& log, Cores& cores) {
  for (;;) {
    const std::string signal = process::wait_for_shutdown();
    if (signal.empty()) return log.notice("SHUTDOWN asked for, ending");
    if (settings.save_points().empty()) return log.notice("Received " + signal + ", ending");
    log.notice("Received " + signal + ", saving before the end");
    cores.save_and_end();
  }
}

void set_stack_size() {
  pthread_attr_t attributes;
  CHECK(pthread_attr_init(&attributes) == 0);
  CHECK(pthread_attr_setstacksize(&attributes, kStackBytes) == 0);
  CHECK(pthread_setattr_default_np(&attributes) == 0);
  CHECK(pthread_attr_destroy(&attributes) == 0);
}

// Where say_why_and_abort() finds it: a terminate handler is given nothing.
Log* log_of_the_end = nullptr;

// A command for which there is no memory ends the server, as in Redis. What was answered is in the journal.
void say_why_and_abort() {
  try {
    if (const std::exception_ptr reason = std::current_exception()) std::rethrow_exception(reason);
  } catch (const std::bad_alloc&) {
    log_of_the_end->warning(
        "Out of memory, ending. With a maxmemory below what the system gives, writes are refused instead");
  } catch (const std::exception& error) {
    log_of_the_end->warning(std::string("Ending: ") + error.what());
  }
  std::abort();
}

int serve(settings::Settings& settings, const settings::LoadReport& report, Log& log, const char* executable,
          process::Background& background) {
  // A log file is where the reason will be looked for; a log on the terminal would say it twice.
  const auto give_up = [&](const std::string& message) {
    if (!settings.logfile().empty()) log.warning(message);
    return fail(message);
  };
  const auto choice = static_cast<io::BackendChoice>(settings.io_backend_choice());
  auto plan = io::plan_backend(choice);
  if (!plan) return give_up(plan.error());
  fit_open_files(settings, log);
  note_memory_limit(settings, log);

  const int64_t asked_cores = settings.cores.load();
  commands::ServerFacts facts;
  facts.executable = process::absolute_path(executable);
  facts.config_file = report.config_file.empty() ? "" : process::absolute_path(report.config_file);
  facts.run_id = make_run_id();
  facts.replication_id = make_run_id();
  facts.os = describe_os();
  facts.core_count = asked_cores > 0 ? static_cast<int>(asked_cores) : static_cast<int>(io::available_processors());
  auto backends = io::make_backends(*plan, static_cast<size_t>(facts.core_count));
  if (backends.empty()) return give_up("The kernel refused another event queue (open files?)");
  facts.io_backend = plan->io_uring ? "io_uring" : "epoll";
  facts.started_unix_ms = io::read_clocks().unix_ms;
  facts.started_monotonic_ns = io::read_clocks().monotonic_ns;
  facts.process_id = getpid();

  io::SystemDisk disk;
  if (const auto error = directory_error(disk, settings.snapshot_directory())) {
    return give_up("Can't use the directory " + settings.snapshot_directory() + ": " + *error);
  }

  const commands::CommandTable table;
  const keyspace::KeyspaceOptions options{
      .databases = static_cast<int>(settings.databases.load()),
      .hash_seed = random_seed(),
  };
  commands::Server server(settings, log, options, facts, table);
  server.environment = process::environment();
  server.environment.refuse_setting = [&disk](std::string_view name, std::string_view value) {
    return name == "dir" ? directory_error(disk, std::string(value)).value_or("") : std::string();
  };
  server.environment.resolve_path = process::absolute_path;
  if (const auto error = commands::load_users(server, report.users)) return give_up(*error);
  server.loading.is_loading.store(true);
  Files files(server, disk);
  auto listeners = process::Listeners::open(settings, static_cast<size_t>(server.facts.core_count), log);
  if (!listeners) return give_up(listeners.error());
  Cores cores(server, table, std::move(backends), *listeners, files);

  std::unique_ptr<process::PidFile> pid_file;
  if (settings.daemonize.load() != 0 || !settings.pidfile().empty()) {
    const std::string path = settings.pidfile().empty() ? "/var/run/millrace.pid" : settings.pidfile();
    pid_file = std::make_unique<process::PidFile>(path);
    if (!pid_file->ok()) log.warning("Could not write the pid file " + path);
  }
  log.notice(std::to_string(facts.core_count) + (facts.core_count == 1 ? " core, " : " cores, ") + plan->reason);
  server.memory.startup_bytes.store(commands::measure_memory(server));
  std::optional<std::string> failure = cores.start();
  if (!failure) failure = load(server, table, files);
  if (!failure) {
    background.report_started();
    wait_for_end(settings, log, cores);
  }
  process::unblock_signals();
  cores.stop();
  if (failure && !failure->empty()) return give_up(*failure);
  if (const auto error = files.journal.close())
    return give_up("The journal could not be written to its end: " + *error);
  log.notice("All connections closed, good bye");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  settings::Settings settings;
  settings::LoadReport report;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (const auto error = settings::load(settings, arguments, process::file_access(), report)) return fail(*error);
  if (report.wants_help) return std::fwrite(kHelp.data(), 1, kHelp.size(), stdout), 0;
  if (report.wants_version) {
    std::printf("Millrace server v=" MILLRACE_VERSION " compat=%s\n", settings.compat_version_text().c_str());
    return 0;
  }

  if (const auto error = process::find_write_error(settings.logfile())) {
    return fail("Can't open the log file " + settings.logfile() + ": " + *error);
  }

  process::block_signals();
  process::Background background;
  if (settings.daemonize.load() != 0 && !background.enter()) return fail("Could not go into the background");
  Log log(settings.logfile(), settings.log_level());
  log.notice("Millrace " MILLRACE_VERSION " starting, pid " + std::to_string(getpid()) +
             ", configuration: " + (report.config_file.empty() ? "defaults" : report.config_file));
  if (!report.without_effect.empty()) {
    std::string line = "Accepted without effect:";
    for (const std::string& name : report.without_effect) line += " " + name;
    log.notice(line);
  }
  log_of_the_end = &log;
  std::set_terminate(say_why_and_abort);
  set_stack_size();
  return serve(settings, report, log, argv[0], background);
}
