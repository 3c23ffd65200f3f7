#include "tools/seal/signature.hpp"

#include <openssl/err.h>

#include "base/file.hpp"
#include "tools/seal/pem.hpp"

namespace sojourn::seal {

namespace {

/// Longer than that of any key there is.
constexpr std::size_t kSignatureBytesMax = std::size_t{64} << 10U;

Error not_for_signatures(const std::string& path) {
    return fail(
        ErrorCode::invalid_argument,
        "{}: signatures of streams are made with keys of RSA and of elliptic curves (openssl "
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256), which it is not: {}",
        path, openssl_words());
}

Error no_digest() {
    return fail(ErrorCode::unsupported, "OpenSSL does not do SHA-256 here: {}", openssl_words());
}

}  // namespace

Result<StreamSigner> StreamSigner::open(const std::string& path) {
    const ByteVector file = TRY(read_file(path));
    const PkeyPtr key = TRY(private_key_in(file, path));
    DigestPtr digest(EVP_MD_CTX_new());
    if (!digest || EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1)
        return not_for_signatures(path);
    return StreamSigner(std::move(digest));
}

Result<void> StreamSigner::add(Bytes bytes) {
    if (EVP_DigestSignUpdate(digest_.get(), bytes.data(), bytes.size()) != 1) return no_digest();
    return {};
}

Result<ByteVector> StreamSigner::sign() {
    std::size_t size = 0;
    if (EVP_DigestSignFinal(digest_.get(), nullptr, &size) != 1) return no_digest();
    ByteVector signature(size);
    if (EVP_DigestSignFinal(digest_.get(), reinterpret_cast<unsigned char*>(signature.data()),
                            &size) != 1)
        return no_digest();
    signature.resize(size);
    return signature;
}

Result<SignatureCheck> SignatureCheck::open(const std::string& signer,
                                            const std::string& signature) {
    const ByteVector file = TRY(read_file(signer));
    const PkeyPtr key = TRY(public_key_in(file, signer));
    ByteVector bytes = TRY(read_file(signature));
    if (bytes.empty() || bytes.size() > kSignatureBytesMax)
        return fail(ErrorCode::invalid_argument, "{} is no signature", signature);
    DigestPtr digest(EVP_MD_CTX_new());
    if (!digest ||
        EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1)
        return not_for_signatures(signer);
    return SignatureCheck(std::move(digest), std::move(bytes), signer);
}

Result<void> SignatureCheck::add(Bytes bytes) {
    if (EVP_DigestVerifyUpdate(digest_.get(), bytes.data(), bytes.size()) != 1) return no_digest();
    return {};
}

Result<void> SignatureCheck::verify() {
    const auto* signature = reinterpret_cast<const unsigned char*>(signature_.data());
    if (EVP_DigestVerifyFinal(digest_.get(), signature, signature_.size()) == 1) return {};
    ERR_clear_error();
    return fail(ErrorCode::permission_denied,
                "it is not what the owner of {} has signed: it was changed, or the signature is of "
                "something or somebody else",
                signer_);
}

}  // namespace sojourn::seal
