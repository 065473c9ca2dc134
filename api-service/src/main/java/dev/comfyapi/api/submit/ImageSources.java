package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Problems;

import java.util.Optional;

/// Turns what a request says of a picture into the reference that its graph will hold.
interface ImageSources {

    /// The reference for the graph; empty when there is something wrong with the given one, which
    /// the problems then say.
    ///
    /// @param asker whose files may be named
    /// @param pointer where the request says it
    Optional<String> reference(Asker asker, String given, String pointer, Problems problems);
}
