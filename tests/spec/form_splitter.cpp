#include "tests/spec/form_splitter.hpp"

#include <algorithm>
#include <cctype>

namespace sojourn::spec {

namespace {

class Splitter {
public:
    Splitter(std::string_view text, unsigned depth) : text_(text), depth_wanted_(depth) {}

    std::vector<Form> split() {
        while (at_ < text_.size())
            step();
        return std::move(forms_);
    }

private:
    void step() {
        if (starts_with("(;")) return skip_block_comment();
        if (starts_with(";;")) return skip_to("\n");
        switch (text_[at_]) {
            case '"':
                return skip_string();
            case '(':
                if (depth_++ == depth_wanted_) open();
                break;
            case ')':
                if (--depth_ == depth_wanted_) close();
                break;
            default:
                break;
        }
        ++at_;
    }

    void open() {
        std::size_t end = at_ + 1;
        while (end < text_.size() && (std::isalpha(text_[end]) != 0 || text_[end] == '_'))
            ++end;
        forms_.push_back({.begin = at_,
                          .end = text_.size(),
                          .line_first = line_of(at_),
                          .line_last = 0,
                          .head = std::string(text_.substr(at_ + 1, end - at_ - 1))});
    }
    void close() {
        forms_.back().end = at_ + 1;
        forms_.back().line_last = line_of(at_);
    }

    void skip_string() {
        ++at_;
        while (at_ < text_.size() && text_[at_] != '"')
            at_ += text_[at_] == '\\' ? 2U : 1U;
        ++at_;
    }
    void skip_block_comment() {
        unsigned depth = 0;
        do {
            if (starts_with("(;")) {
                ++depth;
                at_ += 2;
            } else if (starts_with(";)")) {
                --depth;
                at_ += 2;
            } else {
                ++at_;
            }
        } while (depth > 0 && at_ < text_.size());
    }
    void skip_to(std::string_view mark) { at_ = std::min(text_.find(mark, at_), text_.size()); }

    [[nodiscard]] bool starts_with(std::string_view mark) const {
        return text_.substr(at_).starts_with(mark);
    }

    /// Called with growing offsets.
    unsigned line_of(std::size_t offset) {
        const auto passed = text_.substr(counted_, offset - counted_);
        line_ += static_cast<unsigned>(std::ranges::count(passed, '\n'));
        counted_ = offset;
        return line_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    unsigned depth_wanted_;
    unsigned depth_ = 0;
    std::size_t counted_ = 0;
    unsigned line_ = 1;
    std::vector<Form> forms_;
};

}  // namespace

std::vector<Form> split_forms(std::string_view text, unsigned depth) {
    return Splitter(text, depth).split();
}

}  // namespace sojourn::spec
