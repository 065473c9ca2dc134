package dev.comfyapi.api.http;

import java.util.Optional;

/// Which version of the service this is.
public final class Version {

    public static final String NAME =
            Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
                    .orElse("development");

    private Version() {}
}
