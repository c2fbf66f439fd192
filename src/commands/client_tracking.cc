// CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: what a client wants to be told about the keys it has read. What
// becomes of it is in tracking.h.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/handlers.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

struct Word {
  std::string_view word;
  TrackingFlag flag;
};
constexpr Word kModes[] = {
    {"BCAST", kTrackingBroadcast},
    {"OPTIN", kTrackingOptIn},
    {"OPTOUT", kTrackingOptOut},
    {"NOLOOP", kTrackingNoLoop},
};

// ---- CLIENT TRACKING: what is asked for

// The client must be there now; it may leave later. False if the error has been replied.
bool read_redirect(CommandContext& context, std::string_view word, uint64_t& redirect) {
  if (redirect != 0) {
    context.reply.error(resp::kTrackingTwoRedirects);
    return false;
  }
  const std::optional<int64_t> id = parse_i64(word);
  if (!id) {
    context.reply.error(resp::kNotInteger);
    return false;
  }
  redirect = *id > 0 ? static_cast<uint64_t>(*id) : 0;
  const Ref<Client> target = context.server.clients.find(redirect);
  if (target && !target->is_leaving.load(kRelaxed)) return true;
  context.reply.error(resp::kTrackingNoRedirect);
  return false;
}

// Nothing if the error has been replied.
std::optional<Tracking::Request> read_request(CommandContext& context) {
  const auto& args = context.args;
  Tracking::Request request;
  for (size_t i = 3; i < args.size(); ++i) {
    const bool has_more = i + 1 < args.size();
    const auto mode = std::ranges::find_if(kModes, [&](const Word& row) { return same_word(row.word, args[i]); });
    if (mode != std::end(kModes)) {
      request.flags |= mode->flag;
    } else if (same_word(args[i], "REDIRECT") && has_more) {
      if (!read_redirect(context, args[++i], request.redirect)) return std::nullopt;
    } else if (same_word(args[i], "PREFIX") && has_more) {
      request.prefixes.push_back(args[++i]);
    } else {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
  }
  return request;
}

// ---- CLIENT TRACKING: whether it can be had

// The modes asked for, against each other and against those that are on (0: tracking is off). Empty: they agree.
std::string_view objection_to_modes(const Tracking::Request& request, uint8_t now) {
  const auto asks = [&](int flags) { return (request.flags & flags) != 0; };
  const auto has = [&](int flags) { return (now & flags) != 0; };
  if (!request.prefixes.empty() && !asks(kTrackingBroadcast)) return resp::kTrackingPrefixNeedsBroadcast;
  if (has(kTrackingOn) && asks(kTrackingBroadcast) != has(kTrackingBroadcast)) return resp::kTrackingSwitchBroadcast;
  if (asks(kTrackingBroadcast) && asks(kTrackingOptIn | kTrackingOptOut)) return resp::kTrackingOptBroadcast;
  if (asks(kTrackingOptIn) && asks(kTrackingOptOut)) return resp::kTrackingOptBoth;
  if (asks(kTrackingOptIn) && has(kTrackingOptOut)) return resp::kTrackingSwitchOpt;
  if (asks(kTrackingOptOut) && has(kTrackingOptIn)) return resp::kTrackingSwitchOpt;
  return {};
}

bool overlap(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

// The first prefix of `own` that overlaps, or nullptr. But for the empty one, those in `own` do not overlap each other.
const std::string* find_overlap(const std::set<std::string>& own, std::string_view prefix) {
  if (own.empty()) return nullptr;
  if (own.begin()->empty()) return &*own.begin();
  const auto above = own.upper_bound(std::string(prefix));
  if (above != own.begin() && overlap(*std::prev(above), prefix)) return &*std::prev(above);
  return above != own.end() && overlap(*above, prefix) ? &*above : nullptr;
}

// The position of the first prefix that overlaps with another one of the list; its size if there is none. In order of
// the bytes, what a prefix overlaps with stands right behind it or among the beginnings of it that we have passed.
size_t first_overlapping(const std::vector<std::string_view>& prefixes) {
  std::vector<size_t> order(prefixes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](size_t i) { return prefixes[i]; });
  size_t first = prefixes.size();
  std::vector<size_t> beginnings;
  for (const size_t i : order) {
    while (!beginnings.empty() && !prefixes[i].starts_with(prefixes[beginnings.back()])) beginnings.pop_back();
    if (!beginnings.empty()) first = std::min({first, i, beginnings.back()});
    beginnings.push_back(i);
  }
  return first;
}

// The text of the first objection in the order of the list, or nothing.
std::string objection_to_prefixes(const std::vector<std::string_view>& prefixes, const std::set<std::string>* own) {
  const size_t first = first_overlapping(prefixes);
  for (size_t i = 0; i < prefixes.size(); ++i) {
    const std::string* const other = own == nullptr ? nullptr : find_overlap(*own, prefixes[i]);
    if (other != nullptr) return resp::overlapping_prefix(prefixes[i], "an existing", *other);
    if (i != first) continue;
    const auto later = std::find_if(prefixes.begin() + static_cast<std::ptrdiff_t>(i) + 1, prefixes.end(),
                                    [&](std::string_view prefix) { return overlap(prefix, prefixes[i]); });
    return resp::overlapping_prefix(prefixes[i], "another provided", *later);
  }
  return {};
}

void switch_on(CommandContext& context, Tracking::Request request) {
  Client& client = context.client;
  const std::string_view objection = objection_to_modes(request, client.card.tracking.flags.load(kRelaxed));
  if (!objection.empty()) return context.reply.error(objection);
  const std::string overlapping = objection_to_prefixes(request.prefixes, client.session.tracking.prefixes.get());
  if (!overlapping.empty()) return context.reply.error(overlapping);
  request.flags |= kTrackingOn;
  if ((request.flags & kTrackingBroadcast) != 0 && request.prefixes.empty()) request.prefixes.emplace_back();
  context.server.tracking.enable(client, request);
  context.reply.ok();
}

// ---- CLIENT TRACKINGINFO

std::vector<std::string_view> flag_words(const Client& client) {
  const TrackingCard& card = client.card.tracking;
  const bool is_exception = client.session.tracking.is_exception;
  const std::pair<bool, std::string_view> words[] = {
      {!card.has(kTrackingOn), "off"},
      {card.has(kTrackingOn), "on"},
      {card.has(kTrackingBroadcast), "bcast"},
      {card.has(kTrackingOptIn), "optin"},
      {card.has(kTrackingOptIn) && is_exception, "caching-yes"},
      {card.has(kTrackingOptOut), "optout"},
      {card.has(kTrackingOptOut) && is_exception, "caching-no"},
      {card.has(kTrackingNoLoop), "noloop"},
      {card.is_redirect_broken(), "broken_redirect"},
  };
  std::vector<std::string_view> chosen;
  for (const auto& [is_chosen, word] : words) {
    if (is_chosen) chosen.push_back(word);
  }
  return chosen;
}

}  // namespace

void client_tracking_command(CommandContext& context) {
  std::optional<Tracking::Request> request = read_request(context);
  if (!request) return;
  if (same_word(context.args[2], "ON")) return switch_on(context, std::move(*request));
  if (!same_word(context.args[2], "OFF")) return context.reply.error(resp::kSyntax);
  context.server.tracking.forget(context.client);
  context.reply.ok();
}

void client_caching_command(CommandContext& context) {
  const TrackingCard& card = context.client.card.tracking;
  if (!card.has(kTrackingOn)) return context.reply.error(resp::kCachingNotTracking);
  const bool is_yes = same_word(context.args[2], "YES");
  if (!is_yes && !same_word(context.args[2], "NO")) return context.reply.error(resp::kSyntax);
  if (is_yes && !card.has(kTrackingOptIn)) return context.reply.error(resp::kCachingYesNotOptIn);
  if (!is_yes && !card.has(kTrackingOptOut)) return context.reply.error(resp::kCachingNoNotOptOut);
  context.client.session.tracking.is_exception = true;
  context.reply.ok();
}

void client_getredir_command(CommandContext& context) {
  context.reply.integer(context.client.card.tracking.shown_redirect());
}

void client_trackinginfo_command(CommandContext& context) {
  resp::ReplyWriter& reply = context.reply;
  reply.map(3);
  reply.bulk("flags");
  const std::vector<std::string_view> words = flag_words(context.client);
  reply.set(static_cast<int64_t>(words.size()));
  for (const std::string_view word : words) reply.bulk(word);
  reply.bulk("redirect");
  reply.integer(context.client.card.tracking.shown_redirect());
  reply.bulk("prefixes");
  const std::set<std::string>* const prefixes = context.client.session.tracking.prefixes.get();
  reply.array(prefixes == nullptr ? 0 : static_cast<int64_t>(prefixes->size()));
  if (prefixes == nullptr) return;
  for (const std::string& prefix : *prefixes) reply.bulk(prefix);
}

}  // namespace millrace::commands
