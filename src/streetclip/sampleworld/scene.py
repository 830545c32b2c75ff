"""One photograph: the parameters of a scene become pixels, from the sky to the grain."""

from PIL import Image

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.finish import finish
from streetclip.sampleworld.furniture import plan_furniture
from streetclip.sampleworld.houses import plan_houses
from streetclip.sampleworld.road import paint_ground
from streetclip.sampleworld.shadows import paint_shadows
from streetclip.sampleworld.signs import plan_signs
from streetclip.sampleworld.sky import paint_sky
from streetclip.sampleworld.skyline import paint_skyline
from streetclip.sampleworld.things import Thing
from streetclip.sampleworld.vegetation import plan_trees
from streetclip.sampleworld.vehicles import plan_vehicles
from streetclip.sampleworld.world import Scene


def plan_things(scene: Scene) -> list[Thing]:
    """Everything that stands in the street, the farthest first."""
    things = [
        *plan_houses(scene),
        *plan_trees(scene),
        *plan_furniture(scene),
        *plan_signs(scene),
        *plan_vehicles(scene),
    ]
    return sorted(things, key=lambda thing: -thing.z)


def render(scene: Scene, size_px: int) -> Image.Image:
    """Draw a scene.

    Args:
        scene: What is shown.
        size_px: Side of the square picture.

    Returns:
        An RGB image.
    """
    canvas = Canvas(scene, size_px)
    things = plan_things(scene)
    paint_sky(canvas)
    paint_skyline(canvas)
    paint_ground(canvas)
    paint_shadows(canvas, things)
    for thing in things:
        thing.paint(canvas)
    return finish(canvas)
