#include <optional>

#include "tools/seal/age_payload.hpp"
#include "tools/seal/seal.hpp"
#include "tools/seal/signature.hpp"

namespace sojourn::seal {

namespace {

/// What is encrypted is signed as it comes out.
class KeyedSealer final : public Sealer {
public:
    KeyedSealer(std::optional<StreamSigner> signer, ByteSink sink)
        : signer_(std::move(signer)), sink_(std::move(sink)) {}

    Result<void> encrypt(std::span<const Point> recipients, Random& random) {
        age_.emplace(TRY(AgeWriter::create(
            recipients, [this](Bytes bytes) { return let_out(bytes); }, random)));
        return {};
    }

    Result<void> write(Bytes bytes) override { return age_ ? age_->write(bytes) : let_out(bytes); }

    Result<ByteVector> finish() override {
        if (age_) TRY(age_->finish());
        return signer_ ? signer_->sign() : ByteVector();
    }

private:
    Result<void> let_out(Bytes bytes) {
        if (signer_) TRY(signer_->add(bytes));
        return sink_(bytes);
    }

    std::optional<StreamSigner> signer_;
    ByteSink sink_;
    std::optional<AgeWriter> age_;
};

class KeyedOpener final : public Opener {
public:
    KeyedOpener(std::optional<SignatureCheck> check, ByteSource source)
        : check_(std::move(check)), source_(std::move(source)) {}

    Result<void> decrypt(std::span<const Identity> identities) {
        age_.emplace(
            TRY(AgeReader::create(identities, [this](MutableBytes out) { return take_in(out); })));
        return {};
    }

    Result<std::size_t> read(MutableBytes out) override {
        return age_ ? age_->read(out) : take_in(out);
    }

private:
    /// Whoever sees the end has seen what was signed.
    Result<std::size_t> take_in(MutableBytes out) {
        const std::size_t got = TRY(source_(out));
        if (!check_) return got;
        if (got > 0) {
            TRY(check_->add(out.first(got)));
        } else if (!is_verified_) {
            TRY(check_->verify());
            is_verified_ = true;
        }
        return got;
    }

    std::optional<SignatureCheck> check_;
    ByteSource source_;
    bool is_verified_ = false;
    std::optional<AgeReader> age_;
};

Result<std::unique_ptr<Sealer>> make_sealer(const SealOptions& options, ByteSink sink,
                                            Random& random) {
    std::vector<Point> recipients;
    for (const std::string& text : options.recipients) {
        const auto more = TRY(read_recipients(text));
        recipients.insert(recipients.end(), more.begin(), more.end());
    }
    std::optional<StreamSigner> signer;
    if (!options.signing_key.empty()) signer.emplace(TRY(StreamSigner::open(options.signing_key)));
    auto sealer = std::make_unique<KeyedSealer>(std::move(signer), std::move(sink));
    if (!recipients.empty()) TRY(sealer->encrypt(recipients, random));
    return std::unique_ptr<Sealer>(std::move(sealer));
}

Result<std::unique_ptr<Opener>> make_opener(const OpenOptions& options, ByteSource source) {
    std::vector<Identity> identities;
    for (const std::string& path : options.identities) {
        const auto more = TRY(read_identities(path));
        identities.insert(identities.end(), more.begin(), more.end());
    }
    std::optional<SignatureCheck> check;
    if (!options.signer.empty())
        check.emplace(TRY(SignatureCheck::open(options.signer, options.signature)));
    auto opener = std::make_unique<KeyedOpener>(std::move(check), std::move(source));
    if (!identities.empty()) TRY(opener->decrypt(identities));
    return std::unique_ptr<Opener>(std::move(opener));
}

constexpr Library kLibrary = {make_sealer, make_opener};

}  // namespace

}  // namespace sojourn::seal

extern "C" const sojourn::seal::Library* sojourn_seal_library() {
    return &sojourn::seal::kLibrary;
}
