#include <cstdlib>
#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "tests/checkpoint/holder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Where LMDB's first two pages have the numbers of the last two commits.
constexpr std::size_t kCommitNumber = 144;

/// One byte of one file of a store that is not what it was.
struct Flip {
    fs::path file;  ///< within the store
    std::size_t offset = 0;
    unsigned char mask = 0;
};

/// A store with a suspended process of two checkpoints, kept aside whole, and a copy to damage.
class DamageFixture : public ProcessFixture {
public:
    explicit DamageFixture(const std::string& program) {
        REQUIRE(run({"store", "init", "--unit", "4K"}).exit_code == 0);
        const std::string all = run({"run", program}).out;
        const std::string begun = suspend_when_changed(*this, program, {});
        rest_ = all.substr(begun.size());
        fs::rename(store(), whole());
        for (const auto& entry : fs::recursive_directory_iterator(whole())) {
            const std::string name = entry.path().filename();
            if (name == "data.mdb" || name == "notes")
                files_.push_back(fs::relative(entry.path(), whole()));
        }
        mend();
        log_ = run({"log", "job"}).out;
        newest_ = export_of("job").out;
        older_ = export_of("job@1").out;
        REQUIRE(files_.size() == 3);
        REQUIRE(newest_ != older_);
    }

    void mend() const {
        fs::remove_all(store());
        fs::copy(whole(), store(), fs::copy_options::recursive);
    }

    /// Every file as often as every other, and any byte of it, but for what nothing can be compared
    /// with (docs/formats/store.md).
    [[nodiscard]] Flip any_flip(std::mt19937_64& random) const {
        Flip flip;
        do {
            flip.file = files_[random() % files_.size()];
            flip.offset = random() % fs::file_size(whole() / flip.file);
            const bool is_one_bit = random() % 2 == 0;
            flip.mask =
                static_cast<unsigned char>(is_one_bit ? 1U << (random() % 8) : 1 + random() % 255);
        } while (moves_commit_number_by_two(flip));
        return flip;
    }

    void damage(const Flip& flip) const {
        std::fstream file(fs::path(store()) / flip.file,
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(flip.offset));
        const int byte = file.get() ^ flip.mask;
        file.seekp(static_cast<std::streamoff>(flip.offset));
        file.put(static_cast<char>(byte));
    }

    [[nodiscard]] VmResult export_of(const std::string& reference) const {
        return run({"export", reference});
    }

    /// Whether verify found it. Every verb did what it does, or said what is damaged.
    [[nodiscard]] bool expect_right_or_refused(const Flip& flip) const {
        INFO(flip.file << " at " << flip.offset << " mask " << int{flip.mask});
        const bool are_times_known = flip.file.filename() != "notes";
        const VmResult verified = run({"store", "verify"});
        const bool is_found = verified.exit_code != 0;
        if (is_found) expect_refused(verified);
        expect(run({"log", "job"}), are_times_known ? log_ : "", is_found);
        expect(export_of("job"), are_times_known ? newest_ : "", is_found);
        expect(export_of("job@1"), are_times_known ? older_ : "", is_found);
        expect(run({"resume", "job"}), rest_, is_found);
        return is_found;
    }

private:
    /// Whether it may do so, in either of the two pages that LMDB finds the newest commit by.
    static bool moves_commit_number_by_two(const Flip& flip) {
        const bool is_low_byte =
            flip.offset == kCommitNumber || flip.offset == 4096 + kCommitNumber;
        const bool is_run_of_bits = ((flip.mask + 2U) & flip.mask) == 0;  // from the second bit up
        return flip.file.filename() == "data.mdb" && is_low_byte && is_run_of_bits;
    }

    [[nodiscard]] fs::path whole() const { return folder() / "whole"; }

    static void expect_refused(const VmResult& result) {
        INFO(result.err);
        REQUIRE(result.exit_code == 125);
        REQUIRE_FALSE(result.err.empty());
    }

    /// An empty `output` is any.
    static void expect(const VmResult& result, const std::string& output, bool may_be_refused) {
        INFO(result.err);
        if (may_be_refused && result.exit_code != 0) return expect_refused(result);
        REQUIRE(result.exit_code == 0);
        if (!output.empty()) REQUIRE((result.out == output));
    }

    std::vector<fs::path> files_;
    std::string rest_;
    std::string log_;
    std::string newest_;
    std::string older_;
};

}  // namespace

TEST_CASE("a flipped bit anywhere in a store is found, or does no harm", "[flips]") {
    const auto program = guest("holder");
    if (!program) return;
    const std::uint64_t flips = number_from("SOJOURN_FLIPS", 120);
    const std::uint64_t seed = number_from("SOJOURN_SEED", std::random_device{}());
    std::cout << "SOJOURN_SEED=" << seed << " SOJOURN_FLIPS=" << flips << " repeats this\n";
    std::mt19937_64 random(seed);
    const DamageFixture fixture(*program);

    std::uint64_t found = 0;
    for (std::uint64_t count = 0; count < flips; ++count) {
        const Flip flip = fixture.any_flip(random);
        fixture.mend();
        fixture.damage(flip);
        if (fixture.expect_right_or_refused(flip)) ++found;
    }

    std::cout << found << " of " << flips << " flips were found, the others did no harm\n";
    // Most bytes lie in free pages, or in what the page that they are in does not use.
    REQUIRE(found * 20 > flips);
}
