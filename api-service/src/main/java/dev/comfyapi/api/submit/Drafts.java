package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.InvalidMember;

import java.io.IOException;

/// The requests of a batch in their order, made one by one when they are read: thousands of them
/// are never in memory together. Read once.
interface Drafts {

    /// How many there are.
    int count();

    /// Shows them all, until one is not wanted.
    void forEach(Look look) throws IOException;

    interface Look {

        /// @return whether the next one is wanted
        boolean at(Draft draft);

        /// The same for one that cannot even be read.
        boolean at(InvalidMember unreadable);
    }
}
