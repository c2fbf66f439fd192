// Passwords of users: only their SHA-256 digests are kept, as 64 lower-case hexadecimal digits.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace::settings {

std::string digest_of_password(std::string_view password);
bool is_password_digest(std::string_view text);
// In a time that tells nothing about the digests.
bool is_one_of(std::span<const std::string> digests, std::string_view password);

}  // namespace millrace::settings
