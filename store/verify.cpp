#include "store/verify.hpp"

#include <set>

namespace sojourn::store {

namespace {

std::string name_of(const ProcessRecord& process) {
    return process.name.empty() ? process.id.hex() : process.name;
}

/// What a damaged family answers; what else is refused ends the walk.
bool is_damage(const Error& error) {
    return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found ||
           error.code == ErrorCode::unsupported_format;
}

Result<void> read_in_full(const Family& family, Version checkpoint, MutableBytes unit) {
    const View view = TRY(family.view_of(checkpoint));
    TRY(family.read_attachment(checkpoint));
    return family.for_each_unit(
        view, [&](UnitKey key, Bytes value) { return decode_unit(key, value, unit); });
}

class StoreVerifier {
public:
    explicit StoreVerifier(Store& store) : store_(store), unit_(store.unit_bytes()) {}

    Result<void> look_at(const ProcessRecord& process) {
        const auto family = store_.family(process.family);
        if (!family.ok()) return note(process, family.error());
        if (seen_.insert(process.family).second) {
            const auto problems = (*family)->verify();
            if (!problems.ok()) TRY(note(process, problems.error()));
            const std::size_t before = report.problems.size();
            for (const std::string& what : problems.ok() ? *problems : std::vector<std::string>())
                report.problems.push_back({name_of(process), what});
            if (!problems.ok() || report.problems.size() > before) damaged_.insert(process.family);
        }
        if (!damaged_.contains(process.family)) return {};
        return find_lost(process, **family);
    }

    VerifyReport report;

private:
    Result<void> note(const ProcessRecord& process, const Error& error) {
        if (!is_damage(error)) return error;
        report.problems.push_back({name_of(process), error.message});
        return {};
    }

    Result<void> find_lost(const ProcessRecord& process, const Family& family) {
        const auto checkpoints = family.checkpoints(process.id);
        if (!checkpoints.ok()) return note(process, checkpoints.error());
        for (const CheckpointInfo& info : *checkpoints) {
            const auto read = read_in_full(family, info.id, unit_);
            if (read.ok()) continue;
            if (!is_damage(read.error())) return read.error();
            report.lost.push_back({name_of(process), info.id, read.error().message});
        }
        return {};
    }

    Store& store_;
    ByteVector unit_;
    std::set<FamilyId> seen_;
    std::set<FamilyId> damaged_;
};

}  // namespace

Result<VerifyReport> verify_store(
    Store& store, const std::function<void(std::size_t done, std::size_t all)>& progress) {
    StoreVerifier verifier(store);
    for (const std::string& what : TRY(store.verify_catalogue()))
        verifier.report.problems.push_back({"", what});
    const auto listed = TRY(store.listed());
    std::size_t done = 0;
    for (const ProcessRecord& process : listed) {
        progress(done++, listed.size());
        TRY(verifier.look_at(process));
    }
    return std::move(verifier.report);
}

}  // namespace sojourn::store
