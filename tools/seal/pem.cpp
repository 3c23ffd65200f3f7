#include "tools/seal/pem.hpp"

#include <openssl/pem.h>

namespace sojourn::seal {

namespace {

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;

template <typename Read>
Result<PkeyPtr> key_in(Bytes file, const std::string& name, std::string_view kind,
                       const Read& read) {
    const BioPtr text(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
    PkeyPtr key(text ? read(text.get(), nullptr, nullptr, nullptr) : nullptr);
    if (key) return key;
    return fail(ErrorCode::invalid_argument, "{} holds no {} key in PEM: {}", name, kind,
                openssl_words());
}

}  // namespace

bool is_pem(Bytes file) {
    return as_text(file).find("-----BEGIN ") != std::string_view::npos;
}

Result<PkeyPtr> private_key_in(Bytes file, const std::string& name) {
    return key_in(file, name, "private", PEM_read_bio_PrivateKey);
}

Result<PkeyPtr> public_key_in(Bytes file, const std::string& name) {
    return key_in(file, name, "public", PEM_read_bio_PUBKEY);
}

}  // namespace sojourn::seal
