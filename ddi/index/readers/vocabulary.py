"""What people and programs call the columns of a peak list, in many languages."""

ALIASES = {
    "d": "d dobs dspacing dspacings dspace dvalue dwert dhkl dexp dmeas da dhkls spacing "
    "latticespacing interplanarspacing interplanardistance distanceinterreticulaire "
    "netzebenenabstand valeurded valord valored dn dcorr",
    "2theta": "2theta 2th 2thetaobs tth twotheta ttheta 2thobs angle pos position "
    "2thetaangle 2thetascale 2thdeg 2thetadegrees tthdeg 2q 2t 2tobs 2thetacorrected "
    "diffractionangle scatteringangle winkel angolo angulo",
    "theta": "theta th thetadeg",
    "q2": "q2 q2obs qsquared 1d2",
    "q?": "q qobs qvalue s scatteringvector",
    "q": "1d",
    "q2pi": "2pid 2pi/d",
    "x": "x center centre peakcenter xc",
    "intensity": "intensity int i iobs height hohe area counts irel relintensity intensities "
    "hauteur altura altezza ii0 iio ii1 iimax 100ii0 relint relinti reli ri cts cps countss yobs y "
    "ycounts intcps inta intf intv heightcts net netintensity "
    "detector det intensityau intensitycounts intensitycps iint maxint imax ipeak ymax peakmax "
    "netheight gross j inorm amplitude amp iobsrel i0obs ii0obs iobsi0 iiox100 ii0x100 intrel "
    "impulse flache aire starke natezenie wysokosc vyska zahlrate siddet keamatan cuongo",
    "none": "epoch seconds time timeperstep monitor mon i0 temperature fwhm weight background bkg "
    "backg backgr calc icalc ycalc ycal diff hkl hkls millerindices",
    "sigma": "sigma sig esd error err uncertainty sigmapos posesd e",
}
COLUMN = {alias: name for name, aliases in ALIASES.items() for alias in aliases.split()}
POSITIONS = ("q2", "q2e4", "sin2", "q", "q2pi", "d", "2theta", "theta", "q?", "q2?", "x")
"""In the order in which they are taken; x is a position of which the unit is not told."""
GREEK = str.maketrans(
    {
        "\u03b8": "theta",
        "\u03d1": "theta",
        "\u0398": "theta",
        "\u03c0": "pi",
        **dict.fromkeys("\u0473\u04e9\u0275", "theta"),  # letters that look like it
        "\u00b2": "2",
        "\u00b3": "3",
        **{chr(0x2080 + digit): str(digit) for digit in range(10)},
        "\u2074": "4",
        "\u00d7": "x",
        "\u03bb": "lambda",
        "\u03b4": "delta",
        "\u2206": "delta",
    }
)
ABROAD = {
    "\u043d\u043c": "nm",
    "\u0438\u043d\u0442\u0435\u043d\u0441\u0438\u0432\u043d\u043e\u0441\u0442\u044c": "intensity",
    "\u0456\u043d\u0442\u0435\u043d\u0441\u0438\u0432\u043d\u0456\u0441\u0442\u044c": "intensity",
    "\u0438\u043d\u0442\u0435\u043d\u0437\u0438\u0442\u0435\u0442": "intensity",
    "\u03ad\u03bd\u03c4\u03b1\u03c3\u03b7": "intensity",
    "\u5cf0\u5f3a": "intensity",
    "\u9ad8\u3055": "intensity",
    "\u534a\u5024\u5e45": "fwhm",
    "\uac15\ub3c4": "intensity",
    "\u5f3a\u5ea6": "intensity",
    "\u5f37\u5ea6": "intensity",
    "\u884d\u5c04\u89d2\u5ea6": "2theta",
    "\u884d\u5c04\u89d2": "2theta",
    "\u89d2\u5ea6": "2theta",
    "\u6676\u9762\u95f4\u8dddd": "d",
    "\u6676\u9762\u95f4\u8ddd": "d",
    "d\u503c": "d",
}
