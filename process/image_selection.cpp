#include "process/image_selection.hpp"

#include <algorithm>
#include <map>

#include "process/attachment.hpp"

namespace sojourn::process {

namespace {

using store::Version;

constexpr std::string_view kRangeMark = "..";

std::uint64_t plain(Version version) {
    return static_cast<std::uint64_t>(version);
}

Result<std::string> parse_checkpoint(const std::string& process, std::string_view id) {
    auto reference = TRY(Reference::parse(fmt::format("{}@{}", process, id)));
    return std::move(reference.checkpoint);
}

/// The checkpoints of one process and what each grew out of.
class History {
public:
    static Result<History> of(const store::Family& family, const store::ProcessRecord& process) {
        History history(process);
        for (const store::CheckpointInfo& info : TRY(family.checkpoints(process.id)))
            history.parents_[info.id] = info.parent;
        return history;
    }

    [[nodiscard]] std::vector<Version> all() const {
        std::vector<Version> ids;
        for (const auto& [id, parent] : parents_)
            ids.push_back(id);
        return ids;
    }

    Result<void> expect(Version id) const {
        if (parents_.contains(id)) return {};
        return fail(ErrorCode::not_found,
                    "{} has no checkpoint {}; vm log {} lists those there are",
                    display_name(process_), plain(id), display_name(process_));
    }

    /// From `first` to `last`, both with it. Errors: not_found: the way is not there.
    Result<std::vector<Version>> way(Version first, Version last) const {
        TRY(expect(first));
        TRY(expect(last));
        std::vector<Version> ids{last};
        while (ids.back() > first) {
            const auto found = parents_.find(ids.back());
            if (found == parents_.end() || found->second >= ids.back()) break;
            ids.push_back(found->second);
        }
        if (ids.back() != first) {
            return fail(ErrorCode::not_found,
                        "checkpoint {} of {} did not grow out of checkpoint {}; vm log {} shows "
                        "which did",
                        plain(last), display_name(process_), plain(first), display_name(process_));
        }
        std::ranges::reverse(ids);
        return ids;
    }

private:
    explicit History(const store::ProcessRecord& process) : process_(process) {}

    const store::ProcessRecord& process_;
    std::map<Version, Version> parents_;
};

Result<std::vector<Version>> chosen(const History& history, std::optional<Version> first,
                                    Version last) {
    TRY(history.expect(last));
    if (first) return history.way(*first, last);
    return std::vector{last};
}

/// Those of `ids` that grew out of `base`. All must, unless the whole history was asked for.
Result<std::vector<Version>> grown_from(const History& history, Version base,
                                        const std::vector<Version>& ids, bool may_leave_out) {
    TRY(history.expect(base));
    std::vector<Version> grown;
    for (const Version id : ids) {
        const auto way = history.way(base, id);
        if (way.ok() && id != base) grown.push_back(id);
        if (!way.ok() && !may_leave_out) return way.error();
    }
    if (!grown.empty()) return grown;
    return fail(ErrorCode::not_found, "nothing has been added since checkpoint {}", plain(base));
}

Result<std::vector<Sha256>> modules_of_all(const store::Family& family,
                                           const store::ImageContent& content) {
    std::vector<Sha256> known;
    if (content.base != store::kNoVersion) known = TRY(modules_of(family, content.base));
    std::vector<Sha256> modules;
    for (const Version id : content.checkpoints) {
        for (const Sha256& module : TRY(modules_of(family, id))) {
            if (std::ranges::find(known, module) != known.end()) continue;
            known.push_back(module);
            modules.push_back(module);
        }
    }
    return modules;
}

}  // namespace

Result<ImageRequest> ImageRequest::parse(const std::string& text, bool is_whole_history,
                                         const std::string& since) {
    ImageRequest request;
    const auto at = text.rfind('@');
    const auto range = at == std::string::npos ? at : text.find(kRangeMark, at);
    const auto reference = TRY(Reference::parse(text.substr(0, range)));
    request.process = reference.process;
    request.last = reference.checkpoint;
    if (range != std::string::npos) {
        request.first = reference.checkpoint;
        const std::string_view last = std::string_view(text).substr(range + kRangeMark.size());
        request.last = TRY(parse_checkpoint(request.process, last));
    }
    request.is_whole_history = is_whole_history;
    if (is_whole_history && !request.last.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "--all is the whole history: leave out what is behind {}", request.process);
    }
    if (!since.empty()) request.since = TRY(parse_checkpoint(request.process, since));
    return request;
}

Result<store::ImageContent> select_for_image(store::Store& store,
                                             const store::ProcessRecord& process,
                                             const ImageRequest& request) {
    const auto named = [&](const std::string& text) {
        return checkpoint_of(store, process, {request.process, text});
    };
    const auto last = TRY(named(request.last));
    const auto first = TRY(named(request.first));
    const auto since = TRY(named(request.since));
    const auto family = TRY(store.family(process.family));
    const History history = TRY(History::of(*family, process));
    store::ImageContent content;
    content.head = last.value_or(process.head);
    if (content.head == store::kNoVersion) {
        return fail(ErrorCode::not_found,
                    "process '{}' has no checkpoint to export; vm checkpoint or vm suspend makes "
                    "one",
                    display_name(process));
    }
    content.checkpoints = history.all();
    if (!request.is_whole_history) content.checkpoints = TRY(chosen(history, first, content.head));
    if (since) {
        content.base = *since;
        TRY(history.way(content.base, content.head));
        content.checkpoints =
            TRY(grown_from(history, content.base, content.checkpoints, request.is_whole_history));
    }
    content.modules = TRY(modules_of_all(*family, content));
    return content;
}

}  // namespace sojourn::process
