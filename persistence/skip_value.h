// Passes over values of types that Millrace does not have, by their structure.
#pragma once

#include <cstdint>
#include <string_view>

#include "persistence/byte_reader.h"

namespace millrace::persistence {

// What Redis calls the type of such a value: "list", "set", ...; "" if the number is unknown or cannot be passed over.
std::string_view name_of_foreign_type(uint8_t type);

// Fails with kType if it does not know how.
void skip_value(ByteReader& in, uint8_t type);

// What follows the name of a module, up to and including its end mark: numbered pieces of known size.
void skip_module_value(ByteReader& in);

}  // namespace millrace::persistence
