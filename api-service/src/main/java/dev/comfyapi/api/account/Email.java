package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Members;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// E-mail addresses as they are compared here: in small letters. Whether mail arrives there is
/// nothing that this service has to know.
final class Email {

    private static final int LONGEST = 254;
    private static final Pattern FORM = Pattern.compile("[^@\\s\\p{Cntrl}]+@[^@\\s\\p{Cntrl}]+");

    private Email() {}

    static Optional<String> read(Members members) {
        var given =
                members.trimmedText("email", 3, LONGEST).map(text -> text.toLowerCase(Locale.ROOT));
        if (given.isPresent() && !FORM.matcher(given.get()).matches()) {
            members.problems()
                    .add(
                            members.pointer("email"),
                            "invalid_value",
                            "must be an e-mail address, like ada@example.org");
            return Optional.empty();
        }
        return given;
    }
}
