// See acl_password.h. The digest is libcrypto's.
#include "settings/acl_password.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace millrace::settings {

std::string digest_of_password(std::string_view password) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool is_password_digest(std::string_view text) {
  return text.size() == 2 * SHA256_DIGEST_LENGTH &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_one_of(std::span<const std::string> digests, std::string_view password) {
  const std::string given = digest_of_password(password);
  bool is_found = false;
  for (const std::string& digest : digests) {
    const bool is_equal =
        digest.size() == given.size() && CRYPTO_memcmp(digest.data(), given.data(), given.size()) == 0;
    is_found = is_found || is_equal;
  }
  return is_found;
}

}  // namespace millrace::settings
