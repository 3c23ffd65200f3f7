#pragma once

#include "tools/seal/crypto.hpp"

namespace sojourn::seal {

bool is_pem(Bytes file);

/// The key in a PEM file, called `name` in a message. For one that is locked OpenSSL asks for the
/// passphrase on the terminal. Errors: invalid_argument.
Result<PkeyPtr> private_key_in(Bytes file, const std::string& name);
Result<PkeyPtr> public_key_in(Bytes file, const std::string& name);

}  // namespace sojourn::seal
