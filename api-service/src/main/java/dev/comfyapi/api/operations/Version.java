package dev.comfyapi.api.operations;

import java.util.Optional;

/// Which version of the service this is.
final class Version {

    static final String NAME =
            Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
                    .orElse("development");

    private Version() {}
}
